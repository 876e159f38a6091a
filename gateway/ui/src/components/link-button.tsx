import { Button, type ButtonProps } from 'antd';
import type { MouseEvent } from 'react';
import { useHref, useLinkClickHandler } from 'react-router';

/** A link to another page of the portal that looks like a button: one element, one stop for the keyboard and screen readers. */
export function LinkButton({ to, ...rest }: Omit<ButtonProps, 'href' | 'onClick' | 'htmlType'> & { to: string }) {
  const href = useHref(to);
  const go = useLinkClickHandler<HTMLAnchorElement>(to);
  return <Button {...rest} href={href} onClick={(event) => go(event as MouseEvent<HTMLAnchorElement>)} />;
}

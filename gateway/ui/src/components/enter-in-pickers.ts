import type { KeyboardEvent } from 'react';

/** For a form: Enter in a date takes the date that was typed, and does not send the form off with the other dates as they are. */
export function enterTakesDate(event: KeyboardEvent): void {
  if (event.key === 'Enter' && event.target instanceof Element && event.target.closest('.ant-picker')) event.preventDefault();
}

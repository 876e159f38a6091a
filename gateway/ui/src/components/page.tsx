import { Button, Tag, Tooltip } from 'antd';
import { CopyOutlined } from '@ant-design/icons';
import { App } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import { serverNow } from '../api/client';
import type { Methods } from '../api/contract/routes';
import { useI18n } from '../i18n';
import { formatSpan } from '../lib/dates';
import { rolesFor } from '../lib/roles';
import { useMe } from '../session';

/** Heading of a page with what can be done there. */
export function PageHead({ title, lead, state, children }: { title: ReactNode; lead?: ReactNode; state?: ReactNode; children?: ReactNode }) {
  const { t } = useI18n();
  useEffect(() => {
    if (typeof title === 'string') document.title = `${title} · ${t('app.name')}`;
  }, [title, t]);
  return (
    <div className="page-head">
      <div>
        <h1>
          {title} {state}
        </h1>
        {lead && <p className="muted">{lead}</p>}
      </div>
      {children && <div className="page-acts">{children}</div>}
    </div>
  );
}

/** A part of a page. */
export function Section({ title, lead, extra, children }: { title?: ReactNode; lead?: ReactNode; extra?: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      {(title || extra) && (
        <div className="section-head">
          {title && <h2>{title}</h2>}
          {extra}
        </div>
      )}
      {lead && <p className="muted">{lead}</p>}
      {children}
    </section>
  );
}

/** Names and values. Empty values are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: ReactNode, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false)
        .map(([name, value], at) => (
          <div key={at}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

const tones: Record<string, 'default' | 'processing' | 'success' | 'warning' | 'error'> = {
  PLAN_STATE_IN_REVIEW: 'warning',
  PLAN_STATE_PUBLISHED: 'success',
  ITEM_STATE_PUBLISHED: 'success',
  ITEM_STATE_REVISING: 'warning',
  DRAW_STATE_CREATED: 'warning',
  DRAW_STATE_STATED: 'processing',
  DRAW_STATE_CONTRIBUTING: 'processing',
  DRAW_STATE_REVEALED: 'success',
  DRAW_STATE_DISPATCHED: 'success',
  DRAW_STATE_DONE: 'success',
  DRAW_STATE_FAILED: 'error',
  USER_STATE_ACTIVE: 'success',
  USER_STATE_FROZEN: 'error',
  CLOCK_STATE_GREEN: 'success',
  CLOCK_STATE_YELLOW: 'warning',
  CLOCK_STATE_RED: 'error',
  CLOCK_STATE_OVERDUE: 'error',
  CALENDAR_STATE_IN_REVIEW: 'warning',
  CALENDAR_STATE_OFFICIAL: 'success',
  MACHINE_CLIENT_STATE_ACTIVE: 'success',
  MACHINE_CLIENT_STATE_FROZEN: 'error',
  SUBJECT_STATUS_IN_BUSINESS: 'success',
  IMPORT_STATE_RUNNING: 'processing',
  IMPORT_STATE_FINISHED: 'success',
  IMPORT_STATE_INTERRUPTED: 'error',
  IMPORT_STATE_WAITING: 'warning',
  IMPORT_STATE_APPLYING: 'processing',
  REGISTER_CHANGE_STATE_PENDING: 'warning',
  REGISTER_CHANGE_STATE_APPLYING: 'processing',
  REGISTER_CHANGE_STATE_APPLIED: 'success',
  VISIT_STATE_PENDING: 'warning',
  RECUSAL_STATE_REQUESTED: 'warning',
  RECUSAL_STATE_UPHELD: 'success',
  EXPERT_STATE_ACTIVE: 'success',
  CONFLICT_STATE_STANDING: 'processing',
  CONFLICT_STATE_LIFT_ASKED: 'warning',
};

/** A state in words; the colour only repeats them. */
export function StateTag({ prefix, value }: { prefix: string; value: string }) {
  const { tEnum } = useI18n();
  return (
    <Tag className={`state state-${tones[value] ?? 'default'}`} variant="filled">
      {tEnum(prefix, value)}
    </Tag>
  );
}

/** A digest or key that is compared or copied rather than read. */
export function Code({ text, short = false, label }: { text: string; short?: boolean; label?: string }) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const copy = () => {
    navigator.clipboard?.writeText(text).then(
      () => void message.success(t('act.copied')),
      () => undefined,
    );
  };
  if (short) {
    return (
      <Tooltip title={text}>
        <code className="code-short">{text.slice(0, 12)}…</code>
      </Tooltip>
    );
  }
  return (
    <span className="code-long">
      <code>{text}</code>
      <Button size="small" type="text" icon={<CopyOutlined />} aria-label={`${t('act.copy')} ${label ?? ''}`.trim()} onClick={copy} />
    </span>
  );
}

/** Milliseconds of the server's clock, moving every second while `running`. */
export function useNow(running = true): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!running) return undefined;
    const ticking = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(ticking);
  }, [running]);
  return now;
}

/** Time left to an instant, counting down. Screen readers are not told every second. */
export function TimeLeft({ until }: { until: string }) {
  const { t, lang } = useI18n();
  const now = useNow();
  const left = Date.parse(until) - now;
  if (Number.isNaN(left)) return null;
  if (left <= 0) return <span className="due due-over">{t('home.past')}</span>;
  return <span className={`due ${left < 15 * 60_000 ? 'due-soon' : ''}`}>{t('home.left', { span: formatSpan(left, lang) })}</span>;
}

/** Why a verb, `what` where no heading names it, is not offered: whose it is. Nothing when the user may do it. */
export function MayNot({ method, what }: { method: keyof Methods; what?: string }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  if (me.may(method)) return null;
  const roles = rolesFor(method)
    .filter((role) => role !== 'ROLE_INTEGRATOR')
    .map((role) => tEnum('role.', role))
    .join(lang === 'zh' ? '、' : ', ');
  return <span className="muted">{what ? t('may.notYouDo', { what, roles }) : t('may.notYou', { roles })}</span>;
}

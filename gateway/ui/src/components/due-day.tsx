import { serverNow } from '../api/client';
import { useI18n } from '../i18n';
import { daysLeft, formatDay } from '../lib/dates';

/** A day with the days left to it: amber from a week before, red when past. */
export function DueDay({ day }: { day: string }) {
  const { t, lang } = useI18n();
  if (!day) return null;
  const left = daysLeft(day, serverNow());
  const words = left < 0 ? t('home.overdue', { n: -left }) : left === 0 ? t('home.dueToday') : t('home.daysLeft', { n: left });
  return (
    <span className={`due ${left < 0 ? 'due-over' : left <= 7 ? 'due-soon' : ''}`}>
      <span className="unbroken">{formatDay(day, lang)}</span> <span className="unbroken">{words}</span>
    </span>
  );
}

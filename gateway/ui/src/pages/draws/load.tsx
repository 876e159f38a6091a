import { useEffect, useRef } from 'react';
import { call } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { Section } from '../../components/page';
import { useI18n } from '../../i18n';

/** How often the read model is asked again, every three seconds. */
const triesMax = 10;

/** How many officers got how many subjects: bar and number in one line each. The public read model follows a little later. */
export function Load({ draw }: { draw: Draw }) {
  const { t } = useI18n();
  const { data, error, loading, reload } = useLoad(`load/${draw.name}/${draw.state}`, (signal) => call('Portal.GetDraw', { name: draw.name }, signal));
  const tries = useRef(0);
  const waiting = tries.current < triesMax && !loading && (error?.code === 5 || error?.retriable || data?.load.length === 0);
  useEffect(() => {
    if (!waiting) return undefined;
    const again = setTimeout(() => {
      tries.current += 1;
      reload();
    }, 3000);
    return () => clearTimeout(again);
  }, [waiting, reload]);
  if (!data || data.load.length === 0) return null;
  const rows = [...data.load].sort((a, b) => a.subjects - b.subjects);
  const most = Math.max(...rows.map((row) => row.officers));
  return (
    <Section title={t('draw.load')} lead={Number(data.withoutTeam) > 0 ? t('draw.withoutTeam', { n: Number(data.withoutTeam).toLocaleString('en') }) : undefined}>
      <ul className="load">
        {rows.map((row) => (
          <li key={row.subjects}>
            <span>{t('draw.loadRow', { n: row.subjects })}</span>
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <rect width={Math.max(0.6, (row.officers / most) * 100)} height="10" fill="#14598f" />
            </svg>
            <span>{t('draw.loadOfficers', { n: row.officers })}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

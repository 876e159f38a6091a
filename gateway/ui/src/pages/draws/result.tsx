import { call } from '../../api/client';
import type { Draw, Drawn as DrawnRow, Stratum } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { Code, Section } from '../../components/page';
import { useStratumName } from '../../components/stratum-name';
import { Table, type Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { isDispatched } from '../../lib/draw-chain';
import { isRevealed } from '../../lib/draw-state';
import { districtName } from '../../lib/districts';
import { lastPart } from '../../lib/names';
import { DrawLink } from './chain';

/** Strata with their numbers and, after the reveal, thresholds. */
export function Strata({ draw }: { draw: Draw }) {
  const { t } = useI18n();
  const stratumName = useStratumName();
  const revealed = isRevealed(draw);
  const columns: Column<Stratum>[] = [
    { title: t('plans.stratum'), head: true, render: (row) => stratumName(row.stratum) },
    { title: t('draws.subjects'), number: true, render: (row) => Number(row.subjects).toLocaleString('en') },
    { title: t(revealed ? 'draws.drawn' : 'plans.drawn'), number: true, render: (row) => Number(row.drawn).toLocaleString('en') },
    ...(revealed ? [{ title: t('draw.threshold'), render: (row: Stratum) => (row.threshold ? <Code text={row.threshold} short /> : t('field.none')) }] : []),
  ];
  return (
    <Section title={t('draw.strata')} lead={revealed ? t('draw.thresholdHint') : undefined}>
      <Table label={t('draw.strata')} columns={columns} rows={draw.strata} rowKey={(row) => row.stratum} />
    </Section>
  );
}

/** What became of a drawn subject, with the visit or the draw it leads to. */
function Outcome({ row }: { row: DrawnRow }) {
  const { tEnum } = useI18n();
  const said = tEnum('chain.outcome.', row.outcome);
  const late = row.outcome === 'DRAWN_OUTCOME_NO_TEAM';
  return (
    <>
      <span className={late ? 'due-over' : undefined}>{said}</span>{' '}
      {row.outcome === 'DRAWN_OUTCOME_TEAM_DRAWN' && <DrawLink name={row.outcomeOf} />}
      {row.outcome === 'DRAWN_OUTCOME_DEFERRED' && (row.outcomeOf === '' ? tEnum('draw.leftOut.', row.outcomeReason) : <code>{lastPart(row.outcomeOf)}</code>)}
    </>
  );
}

/** Whether experts go with the teams, as the rules say that were stated. */
function hasExperts(draw: Draw): boolean {
  const rules = draw.rulesJson === '' ? {} : (JSON.parse(draw.rulesJson) as { experts?: { count?: number } });
  return (rules.experts?.count ?? 0) > 0;
}

/** Who was drawn, and which team goes. */
export function Drawn({ draw }: { draw: Draw }) {
  const { t, tEnum, lang } = useI18n();
  const stratumName = useStratumName();
  const state = useListState();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Draws.ListDrawn', { parent: draw.name, query: state.get('q'), pageSize, pageToken }, signal);
    return { rows: answer.drawn, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${draw.name}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const columns: Column<DrawnRow>[] = [
    { title: t('visits.place'), number: true, render: (row) => row.place, csv: (row) => String(row.place) },
    { title: t('visits.subject'), head: true, render: (row) => row.title, csv: (row) => row.title },
    { title: t('subjects.key'), nowrap: true, render: (row) => <code>{row.subject}</code>, csv: (row) => row.subject },
    { title: t('plans.stratum'), nowrap: true, render: (row) => stratumName(row.stratum), csv: (row) => row.stratum },
    { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang), csv: (row) => row.district },
    { title: t('visits.team'), render: (row) => (row.officers.length > 0 ? row.officers.join(' ') : <span className="muted">{t('draw.teamApart')}</span>), csv: (row) => row.officers.join(' ') },
    ...(hasExperts(draw) ? [{ title: t('plans.experts'), render: (row: DrawnRow) => row.experts.join(' '), csv: (row: DrawnRow) => row.experts.join(' ') }] : []),
    ...(isDispatched(draw)
      ? [
          {
            title: t('chain.outcome'),
            render: (row: DrawnRow) => <Outcome row={row} />,
            csv: (row: DrawnRow) => [tEnum('chain.outcome.', row.outcome), row.outcomeReason, row.outcomeOf].filter(Boolean).join(' '),
          },
        ]
      : []),
    { title: t('draw.ticket'), render: (row) => <Code text={row.ticket} short />, csv: (row) => row.ticket },
  ];
  return (
    <>
      <h2 className="list-head">{t('draw.result')}</h2>
      <List
        label={t('draw.result')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.subject}
        csv={{ fileName: `drawn-${lastPart(draw.name)}.csv`, page }}
        filters={<SearchBox state={state} placeholder={t('subjects.search')} width={320} />}
      />
    </>
  );
}

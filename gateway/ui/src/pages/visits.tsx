import { Link } from 'react-router';
import { call } from '../api/client';
import type { Visit } from '../api/contract/draws';
import { useLoad } from '../api/use-load';
import { DueDay } from '../components/due-day';
import { FilterSelect, List, SearchBox } from '../components/list';
import { useListState } from '../components/list-state';
import { PageHead, StateTag } from '../components/page';
import type { Column } from '../components/table';
import { useI18n } from '../i18n';
import { districtName } from '../lib/districts';
import { lastPart } from '../lib/names';
import { useMe, useOrganisationTitle } from '../session';

/** Who goes now: officers, experts, and places that stayed empty after a recusal (art. 16). */
function Team({ visit }: { visit: Visit }) {
  const { t } = useI18n();
  return (
    <>
      {[...visit.officers, ...visit.experts].join(' ')} {visit.emptyPlaces > 0 && <span className="due-over">{t('visits.emptyPlaces', { n: visit.emptyPlaces })}</span>}
    </>
  );
}

/** Visits that follow from draws, of the organisation or one's own (art. 15-17). */
export default function Visits() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const number = state.get('draw').replace(/^draws\//, '');
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Visits.ListVisits', { query: state.get('q'), officer: state.get('officer'), draw: number ? `draws/${number}` : '', orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.visits, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const columns: Column<Visit>[] = [
    { title: t('visits.draw'), sort: 'draw', nowrap: true, render: (row) => <Link to={`/draws/${lastPart(row.draw)}`}>{lastPart(row.draw)}</Link>, csv: (row) => lastPart(row.draw) },
    { title: t('visits.place'), number: true, render: (row) => row.place, csv: (row) => String(row.place) },
    {
      title: t('visits.subject'),
      sort: 'title',
      head: true,
      render: (row) => (
        <span>
          {row.title}
          {me.cityWide && <small className="muted beneath">{titleOf(row.organisation)}</small>}
        </span>
      ),
      csv: (row) => row.title,
    },
    { title: t('subjects.key'), nowrap: true, render: (row) => <code>{row.subject}</code>, csv: (row) => row.subject },
    { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang), csv: (row) => row.district },
    { title: t('visits.team'), render: (row) => <Team visit={row} />, csv: (row) => row.officers.join(' ') },
    { title: t('field.organisation'), csvOnly: true, render: () => null, csv: (row) => titleOf(row.organisation) },
    { title: t('visits.due'), sort: 'due_date', render: (row) => <DueDay day={row.dueDate} />, csv: (row) => row.dueDate },
    { title: t('field.state'), render: (row) => <StateTag prefix="visits.state." value={row.state} />, csv: (row) => tEnum('visits.state.', row.state) },
  ];
  return (
    <>
      <PageHead title={t('visits.title')} lead={t('visits.lead')} />
      <List
        label={t('visits.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="draw desc"
        csv={{ fileName: 'visits.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('visits.search')} width={320} />
            <SearchBox state={state} name="draw" placeholder={t('visits.drawFilter')} width={240} />
            <FilterSelect state={state} name="officer" label={t('visits.scope')} options={[{ value: 'me', label: t('visits.mine') }]} width={120} />
          </>
        }
      />
    </>
  );
}

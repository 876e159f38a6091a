import { Button } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Recusal, RecusalState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n, type Translate } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';
import { AskRecusal } from './ask';
import { DecideRecusal } from './decide';

const states = ['RECUSAL_STATE_REQUESTED', 'RECUSAL_STATE_UPHELD', 'RECUSAL_STATE_REJECTED'] as const satisfies readonly RecusalState[];

/** What became of a recusal, in words. */
function outcome(t: Translate, row: Recusal): string {
  if (row.state === 'RECUSAL_STATE_REJECTED') return row.rejectReason;
  if (row.state !== 'RECUSAL_STATE_UPHELD') return '';
  if (row.act === 'RECUSAL_ACT_EXCHANGE') return t('recusals.swapped', { person: row.personIn, subject: row.otherSubject });
  return row.personIn ? t('recusals.joined', { person: row.personIn }) : t('recusals.empty');
}

/** Recusals after draws: one's own, and for those who deal with them the organisation's (art. 16). */
export default function Recusals() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const [asking, setAsking] = useState(false);
  const [deciding, setDeciding] = useState<Recusal | null>(null);
  const number = state.get('draw').replace(/^draws\//, '');
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Recusals.ListRecusals', { query: state.get('q'), draw: number ? `draws/${number}` : '', state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.recusals, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const own = (row: Recusal) => row.creator === me.user.name || row.person === (me.user.certificate?.number ?? '');
  const acts = (row: Recusal) => {
    if (row.state !== 'RECUSAL_STATE_REQUESTED') return null;
    if (row.organisation !== me.organisation || !me.may('Recusals.UpholdRecusal')) return <span className="muted"><MayNot method="Recusals.UpholdRecusal" /></span>;
    if (own(row)) return <span className="muted">{t('may.ownAct')}</span>;
    return (
      <Button type="primary" aria-label={`${t('recusals.decide')} ${lastPart(row.name)}`} onClick={() => setDeciding(row)}>
        {t('recusals.decide')}
      </Button>
    );
  };
  const columns: Column<Recusal>[] = [
    { title: t('recusals.number'), nowrap: true, render: (row) => <Link to={`/draws/${lastPart(row.draw)}`}>{lastPart(row.name)}</Link>, csv: (row) => lastPart(row.name) },
    { title: t('visits.draw'), csvOnly: true, render: () => null, csv: (row) => lastPart(row.draw) },
    { title: t('visits.subject'), sort: 'title', head: true, render: (row) => <span>{row.title}<small className="muted beneath">{row.subject}</small></span>, csv: (row) => row.title },
    { title: t('recusals.person'), sort: 'person', nowrap: true, render: (row) => <code>{row.person}</code>, csv: (row) => row.person },
    { title: t('recusals.ground'), render: (row) => <span>{tEnum('recusals.ground.', row.ground)}{row.note && <small className="muted beneath">{row.note}</small>}</span>, csv: (row) => tEnum('recusals.ground.', row.ground) },
    { title: t('recusals.time'), sort: 'create_time', render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    { title: t('field.state'), render: (row) => <StateTag prefix="recusals.state." value={row.state} />, csv: (row) => tEnum('recusals.state.', row.state) },
    { title: t('recusals.outcome'), render: (row) => outcome(t, row) || acts(row), csv: (row) => outcome(t, row) },
  ];
  return (
    <>
      <PageHead title={t('recusals.title')} lead={t('recusals.lead')}>
        {me.may('Recusals.CreateRecusal') ? (
          <Button type="primary" onClick={() => setAsking(true)}>
            {t('recusals.ask')}
          </Button>
        ) : (
          <MayNot method="Recusals.CreateRecusal" what={t('recusals.ask')} />
        )}
      </PageHead>
      <List
        label={t('recusals.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="create_time desc"
        empty={t('recusals.none')}
        csv={{ fileName: 'recusals.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('recusals.search')} width={320} />
            <SearchBox state={state} name="draw" placeholder={t('visits.drawFilter')} width={240} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('recusals.state.', value) }))} width={140} />
          </>
        }
      />
      {asking && <AskRecusal onClose={() => setAsking(false)} onAsked={loaded.reload} />}
      {deciding && <DecideRecusal recusal={deciding} onClose={() => setDeciding(null)} onDecided={loaded.reload} />}
    </>
  );
}

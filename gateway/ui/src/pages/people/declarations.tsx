import { Alert, Button } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Declaration, Undeclared } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { PageHead, Section, useNow } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime, today } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';
import { Declare } from './declare';

/** Yearly declarations of interests (art. 16): one's own, who owes one, and what was declared. */
export default function Declarations() {
  const { t } = useI18n();
  const me = useMe();
  return me.may('People.ListDeclarations') ? <DeclarationList /> : <NotForYou title={t('declarations.title')} method="People.ListDeclarations" />;
}

function DeclarationList() {
  const { t, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const year = Number(today(useNow()).slice(0, 4));
  const [changed, setChanged] = useState(0);
  const years = Array.from({ length: Math.max(1, year - 2025) }, (_, back) => String(year - back));
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('People.ListDeclarations', { parent, query: state.get('q'), year: Number(state.get('year')) || 0, orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.declarations, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}#${changed}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const kind = (expert: boolean) => t(expert ? 'declarations.expert' : 'declarations.officer');
  const columns: Column<Declaration>[] = [
    { title: t('declarations.person'), sort: 'person', head: true, nowrap: true, render: (row) => <code>{row.person}</code>, csv: (row) => row.person },
    { title: t('declarations.kind'), nowrap: true, render: (row) => kind(row.expert), csv: (row) => kind(row.expert) },
    { title: t('declarations.year'), sort: 'year', number: true, render: (row) => row.year, csv: (row) => String(row.year) },
    { title: t('declarations.subjects'), render: (row) => (row.subjects.length === 0 ? t('field.none') : row.subjects.map((one) => <code key={one} className="beneath">{one}</code>)), csv: (row) => row.subjects.join(' ') },
    { title: t('declarations.time'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
  ];
  const done = () => setChanged((n) => n + 1);
  return (
    <>
      <PageHead title={t('declarations.title')} lead={t('declarations.lead')} />
      {me.may('People.GetOwnStanding') && me.user.certificate?.number && <Own key={`own${changed}`} onDone={done} />}
      {me.may('People.ListUndeclared') && <Missing key={`${parent}${changed}`} parent={parent} onDone={done} />}
      <h2 className="page-part">{t('declarations.all')}</h2>
      <List
        label={t('declarations.all')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="create_time desc"
        empty={t('declarations.nothing')}
        csv={{ fileName: `declarations-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('declarations.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="year" label={t('declarations.year')} options={years.map((value) => ({ value, label: value }))} width={110} />
          </>
        }
      />
    </>
  );
}

/** The officer's own declaration of this year. */
function Own({ onDone }: { onDone: () => void }) {
  const { t, lang } = useI18n();
  const me = useMe();
  const [declaring, setDeclaring] = useState(false);
  const { data, error, reload } = useLoad(`own/${me.user.name}`, (signal) => call('People.GetOwnStanding', { parent: me.organisation }, signal));
  if (error) return <ErrorPanel error={error} onRetry={reload} loading />;
  if (!data) return null;
  const subjects = data.conflicts.map((one) => one.subject);
  return (
    <Section title={t('declarations.mine', { year: data.year })}>
      {data.declaration ? (
        <Alert type="success" showIcon title={t('declarations.done', { time: formatTime(data.declaration.createTime, lang) })} description={t('declarations.final')} />
      ) : (
        <Alert
          type="warning"
          showIcon
          title={t('declarations.open', { year: data.year })}
          action={
            <Button type="primary" onClick={() => setDeclaring(true)}>
              {t('declarations.declare')}
            </Button>
          }
        />
      )}
      {declaring && <Declare person={data.officer?.key ?? ''} expert={false} year={data.year} standing={subjects} onClose={() => setDeclaring(false)} onDone={onDone} />}
    </Section>
  );
}

/** Who owes this year's declaration; for experts the handler writes it down. */
function Missing({ parent, onDone }: { parent: string; onDone: () => void }) {
  const { t } = useI18n();
  const me = useMe();
  const year = Number(today(useNow()).slice(0, 4));
  const [chosen, setChosen] = useState<{ person: string; standing: string[] } | null>(null);
  const state = useListState('missing.', 20);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('People.ListUndeclared', { parent, query: state.get('q'), pageSize, pageToken }, signal);
    return { rows: answer.people, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${parent}/missing?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const writes = me.roles.includes('ROLE_HANDLER') && parent === me.organisation;
  const { busy, error, run } = useAct();
  const open = (row: Undeclared) =>
    run(row.person, async () => {
      const found = row.conflicts === 0 ? [] : (await call('Registers.ListConflicts', { parent, query: row.person, pageSize: 1000 })).conflicts;
      const standing = found.filter((one) => one.officer === row.person && one.state !== 'CONFLICT_STATE_LIFTED').map((one) => one.subject);
      setChosen({ person: row.person, standing });
    });
  const columns: Column<Undeclared>[] = [
    { title: t('declarations.person'), head: true, nowrap: true, render: (row) => <code>{row.person}</code>, csv: (row) => row.person },
    { title: t('declarations.kind'), nowrap: true, render: (row) => t(row.expert ? 'declarations.expert' : 'declarations.officer'), csv: (row) => t(row.expert ? 'declarations.expert' : 'declarations.officer') },
    { title: t('declarations.standing'), number: true, render: (row) => row.conflicts, csv: (row) => String(row.conflicts) },
  ];
  if (writes) {
    columns.push({
      title: t('declarations.declare'),
      render: (row) =>
        row.expert ? (
          <Button aria-label={t('declarations.declareFor', { person: row.person })} disabled={busy} onClick={() => void open(row)}>
            {t('declarations.declare')}
          </Button>
        ) : (
          <span className="muted">{t('declarations.bySelf')}</span>
        ),
    });
  }
  return (
    <>
      <h2 className="page-part">{t('declarations.missing', { year })}</h2>
      <List
        label={t('declarations.missing', { year })}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => `${row.person} ${row.expert}`}
        empty={t('declarations.nobodyMissing')}
        csv={{ fileName: `undeclared-${lastPart(parent)}.csv`, page }}
        filters={<SearchBox state={state} placeholder={t('declarations.missingSearch')} />}
      />
      {error && <ErrorPanel error={error} />}
      {chosen && <Declare person={chosen.person} expert year={year} standing={chosen.standing} onClose={() => setChosen(null)} onDone={onDone} />}
    </>
  );
}

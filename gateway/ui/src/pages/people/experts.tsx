import { App, Button, Input } from 'antd';
import { useState } from 'react';
import { call, download } from '../../api/client';
import type { Expert, ExpertOrder, ExpertState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import { PurposeGate, type Purpose } from '../../components/purpose';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay } from '../../lib/dates';
import { districtCodes, districtName } from '../../lib/districts';
import { lastPart } from '../../lib/names';
import { specialties } from '../../lib/specialties';
import { useMe } from '../../session';
import { ExpertDrawer } from './expert-drawer';
import { ExpertForm } from './expert-form';
import { ExpertUpload } from './expert-upload';

const states = ['EXPERT_STATE_ACTIVE', 'EXPERT_STATE_RETIRED'] as const satisfies readonly ExpertState[];
/** Orders as the address has them, and as the service names them. */
const orders: Readonly<Record<string, ExpertOrder>> = { 'key desc': 'EXPERT_ORDER_KEY_DESC', employer: 'EXPERT_ORDER_EMPLOYER', 'employer desc': 'EXPERT_ORDER_EMPLOYER_DESC' };

/** The register of experts (art. 13): names masked, the whole behind a purpose (art. 44). */
export default function Experts() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const [registering, setRegistering] = useState(false);
  const [uploading, setUploading] = useState(false);
  const [downloading, setDownloading] = useState(false);
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  // A real name looked for and what for: personal data, and so not in the address.
  const [named, setNamed] = useState<{ realName: string; purpose: Purpose } | null>(null);
  const [open, setOpen] = useState<Expert | null>(null);
  const { busy, error, run } = useAct();
  const filter = {
    parent,
    query: state.get('q'),
    specialty: state.get('specialty'),
    district: state.get('district'),
    state: states.find((one) => one === state.get('state')),
    realName: named?.realName,
  };
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Experts.ListExperts', { ...filter, order: orders[state.order], pageSize, pageToken }, signal, named?.purpose);
    return { rows: answer.experts, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${parent}?${state.key}#${named ? JSON.stringify(named) : ''}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const joined = (words: readonly string[]) => words.join(lang === 'zh' ? '、' : ', ');
  const fields = (row: Expert) => joined(row.specialties.map((one) => tEnum('specialty.', one)));
  const places = (row: Expert) => joined(row.districts.map((code) => districtName(code, lang)));

  const columns: Column<Expert>[] = [
    { title: t('experts.key'), sort: 'key', head: true, nowrap: true, render: (row) => <code>{row.key}</code>, csv: (row) => row.key },
    { title: t('experts.name'), nowrap: true, render: (row) => row.realName, csv: (row) => row.realName },
    { title: t('experts.employer'), sort: 'employer', render: (row) => row.employer, csv: (row) => row.employer },
    { title: t('experts.specialties'), render: fields, csv: fields },
    { title: t('experts.districts'), render: places, csv: places },
    { title: t('experts.conflicts'), number: true, render: (row) => row.conflicts.toLocaleString('en'), csv: (row) => String(row.conflicts) },
    {
      title: t('officers.declared'),
      nowrap: true,
      render: (row) => (row.declareDate ? formatDay(row.declareDate, lang) : row.state === 'EXPERT_STATE_ACTIVE' ? <span className="due due-soon">{t('officers.undeclared')}</span> : ''),
      csv: (row) => row.declareDate,
    },
    { title: t('field.state'), render: (row) => <StateTag prefix="experts.state." value={row.state} />, csv: (row) => tEnum('experts.state.', row.state) },
  ];
  if (me.may('Experts.GetExpert')) {
    columns.push({
      title: t('experts.open'),
      render: (row) => (
        <Button aria-label={`${t('experts.open')} ${row.key}`} onClick={() => setOpen(row)}>
          {t('experts.open')}
        </Button>
      ),
    });
  }

  const save = async (purpose: string) => {
    const done = await run([purpose, filter], () => download('Experts.ExportExperts', filter, purpose, `experts-${lastPart(parent)}.csv`));
    if (done) setDownloading(false);
  };

  const find = (purpose: Purpose) => {
    if (!name.trim()) return;
    setNamed({ realName: name.trim(), purpose });
    setNaming(false);
    state.set({});
  };

  return (
    <>
      <PageHead title={t('experts.title')} lead={t('experts.lead')}>
        {me.may('Experts.GetExpert') && <Button onClick={() => setNaming(!naming)}>{t('experts.byName')}</Button>}
        {me.may('Experts.ExportExperts') && <Button onClick={() => setDownloading(!downloading)}>{t('experts.download')}</Button>}
        {me.may('Experts.CreateExpert') && parent === me.organisation ? (
          <>
            <Button onClick={() => setUploading(true)}>{t('experts.upload')}</Button>
            <Button type="primary" onClick={() => setRegistering(true)}>
              {t('experts.register')}
            </Button>
          </>
        ) : (
          <MayNot method="Experts.CreateExpert" what={t('experts.register')} />
        )}
      </PageHead>
      {naming && (
        <PurposeGate
          busy={false}
          onRead={find}
          about={
            <label className="filter">
              <span>{t('experts.wholeName')}</span>
              <Input style={{ width: 200 }} value={name} maxLength={50} autoComplete="off" onChange={(event) => setName(event.target.value)} />
            </label>
          }
        >
          <Button onClick={() => setNaming(false)}>{t('act.cancel')}</Button>
        </PurposeGate>
      )}
      {named && (
        <p className="page-note">
          {t('experts.named', { name: named.realName })}{' '}
          <Button
            onClick={() => {
              setNamed(null);
              state.set({});
            }}
          >
            {t('experts.anyName')}
          </Button>
        </p>
      )}
      {downloading && (
        <>
          <PurposeGate busy={busy} onRead={(purpose) => void save(purpose)}>
            <Button onClick={() => setDownloading(false)}>{t('act.cancel')}</Button>
          </PurposeGate>
          {error && <ErrorPanel error={error} />}
        </>
      )}
      <List
        label={t('experts.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="key"
        empty={named ? t('list.empty') : t(me.may('Experts.CreateExpert') && parent === me.organisation ? 'experts.empty' : 'experts.emptyHere')}
        csv={{ fileName: `experts-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('experts.search')} width={320} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="specialty" label={t('experts.specialties')} options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} width={120} />
            <FilterSelect state={state} name="district" label={t('field.district')} options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('experts.state.', value) }))} width={110} />
          </>
        }
      />
      {registering && (
        <ExpertForm
          onClose={() => setRegistering(false)}
          onSaved={(saved) => {
            void message.success(t(saved.pendingChange ? 'subjects.asked' : 'experts.registered'));
            loaded.reload();
          }}
        />
      )}
      {uploading && <ExpertUpload parent={parent} onClose={() => setUploading(false)} onDone={loaded.reload} />}
      {open && <ExpertDrawer key={open.name} row={open} onClose={() => setOpen(null)} onChanged={loaded.reload} />}
    </>
  );
}

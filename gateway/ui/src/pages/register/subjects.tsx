import { UploadOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { addressOf, call } from '../../api/client';
import type { Subject } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtCodes, districtName } from '../../lib/districts';
import { pathBelow } from '../../lib/names';
import { useMe } from '../../session';
import { BulkChange } from './bulk-change';
import { FilterSeveral, several } from './filters';
import { creditClasses, statuses } from './life';

/** One change takes no more. */
const changeRowsMax = 100_000;

/** The register of subjects (art. 13). */
export default function Subjects() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const filter = {
    query: state.get('q'),
    districts: several(state, 'district'),
    statuses: statuses.filter((one) => several(state, 'status').includes(one)),
    industry: state.get('industry'),
    creditClasses: several(state, 'credit'),
  };
  const request = { parent, ...filter, orderBy: state.order };
  const loaded = useLoad(`${parent}?${state.key}`, async (signal) => {
    const page = await call('Registers.ListSubjects', { ...request, pageSize: state.pageSize, pageToken: state.pageToken }, signal);
    return { rows: page.subjects, nextPageToken: page.nextPageToken, total: Number(page.totalSize) };
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [changing, setChanging] = useState<'chosen' | 'all' | null>(null);
  const mayChange = me.may('RegisterChanges.ChangeSubjects') && parent === me.organisation;
  const total = loaded.data?.total ?? 0;
  const here = loaded.data?.rows.filter((row) => chosen.has(row.name)) ?? [];

  const columns: Column<Subject>[] = [
    { title: t('field.title'), sort: 'title', head: true, render: (row) => <Link to={pathBelow('subjects', row.name)}>{row.title}</Link> },
    {
      title: t('subjects.key'),
      sort: 'key',
      nowrap: true,
      render: (row) => (
        <span>
          <code>{row.key}</code> {row.oldNumber && <Tag className="state">{t('subjects.oldNumber')}</Tag>}
        </span>
      ),
    },
    { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang) },
    { title: t('subjects.industry'), render: (row) => row.industry },
    { title: t('subjects.credit'), render: (row) => row.creditClass || t('subjects.unclassified') },
    { title: t('subjects.status'), render: (row) => <StateTag prefix="subjects.status." value={row.status} /> },
    { title: t('subjects.changeTime'), sort: 'change_time', nowrap: true, render: (row) => formatTime(row.changeTime, lang) },
  ];

  return (
    <>
      <PageHead title={t('subjects.title')} lead={t('subjects.lead')}>
        <LinkButton to="/subjects/changes">{t('changes.title')}</LinkButton>
        <LinkButton to="/subjects/imports">{t('subjects.imports')}</LinkButton>
        {me.may('Registers.ImportSubjects') ? (
          <LinkButton type="primary" icon={<UploadOutlined />} to="/subjects/upload">{t('subjects.upload')}</LinkButton>
        ) : (
          <MayNot method="Registers.ImportSubjects" what={t('subjects.upload')} />
        )}
      </PageHead>
      <List
        label={t('subjects.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="key"
        empty={t('subjects.firstUpload')}
        exportUrl={addressOf('Registers.ExportSubjects', request)}
        selection={mayChange ? { chosen, onChange: setChosen, can: () => true, name: (row) => row.title } : undefined}
        filters={
          <>
            <SearchBox state={state} placeholder={t('subjects.search')} width={320} />
            <SearchBox state={state} name="industry" placeholder={t('subjects.industryFilter')} width={250} />
            <OrganisationFilter state={state} />
            <FilterSeveral state={state} name="district" label={t('field.district')} options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
            <FilterSeveral state={state} name="status" label={t('subjects.status')} options={statuses.map((value) => ({ value, label: tEnum('subjects.status.', value) }))} width={170} />
            <FilterSeveral state={state} name="credit" label={t('subjects.credit')} options={creditClasses.map((value) => ({ value, label: value === 'NONE' ? t('subjects.unclassified') : value }))} width={150} />
          </>
        }
        acts={
          mayChange && (
            <>
              <Button disabled={here.length === 0} onClick={() => setChanging('chosen')}>
                {t('changes.chosen', { n: here.length })}
              </Button>
              <Button disabled={total === 0 || total > changeRowsMax} title={total > changeRowsMax ? t('changes.tooMany') : undefined} onClick={() => setChanging('all')}>
                {t(state.filtered ? 'changes.allFound' : 'changes.all', { n: total > changeRowsMax ? '100,000+' : total.toLocaleString('en') })}
              </Button>
            </>
          )
        }
      />
      {changing && (
        <BulkChange
          parent={parent}
          scope={changing === 'chosen' ? { subjects: here.map((row) => ({ key: row.key, etag: row.etag })) } : { filter }}
          onClose={() => setChanging(null)}
        />
      )}
    </>
  );
}

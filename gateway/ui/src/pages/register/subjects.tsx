import { UploadOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { Link } from 'react-router';
import { addressOf, call } from '../../api/client';
import type { Subject, SubjectStatus } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { pathBelow } from '../../lib/names';
import { useMe } from '../../session';

const statuses: readonly SubjectStatus[] = ['SUBJECT_STATUS_IN_BUSINESS', 'SUBJECT_STATUS_NOT_IN_BUSINESS'];

/** The register of subjects (art. 13). */
export default function Subjects() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const filter = { parent, query: state.get('q'), district: state.get('district'), status: statuses.find((one) => one === state.get('status')) };
  const loaded = useLoad(`${parent}?${state.key}`, async (signal) => {
    const page = await call('Registers.ListSubjects', { ...filter, pageSize: state.pageSize, pageToken: state.pageToken }, signal);
    return { rows: page.subjects, nextPageToken: page.nextPageToken, total: Number(page.totalSize) };
  });

  const columns: Column<Subject>[] = [
    { title: t('field.title'), head: true, render: (row) => <Link to={pathBelow('subjects', row.name)}>{row.title}</Link> },
    {
      title: t('subjects.key'),
      nowrap: true,
      render: (row) => (
        <span>
          <code>{row.key}</code> {row.oldNumber && <Tag className="state">{t('subjects.oldNumber')}</Tag>}
        </span>
      ),
    },
    { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang) },
    { title: t('subjects.credit'), render: (row) => row.creditClass || t('subjects.unclassified') },
    { title: t('subjects.status'), render: (row) => <StateTag prefix="subjects.status." value={row.status} /> },
  ];

  return (
    <>
      <PageHead title={t('subjects.title')} lead={t('subjects.lead')}>
        <Link to="/subjects/imports">
          <Button>{t('subjects.imports')}</Button>
        </Link>
        {me.may('Registers.ImportSubjects') ? (
          <Link to="/subjects/upload">
            <Button type="primary" icon={<UploadOutlined />}>
              {t('subjects.upload')}
            </Button>
          </Link>
        ) : (
          <MayNot method="Registers.ImportSubjects" />
        )}
      </PageHead>
      <List
        label={t('subjects.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        empty={t('subjects.firstUpload')}
        exportUrl={addressOf('Registers.ExportSubjects', filter)}
        filters={
          <>
            <SearchBox state={state} placeholder={t('subjects.search')} width={320} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="district" label={t('field.district')} options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
            <FilterSelect state={state} name="status" label={t('subjects.status')} options={statuses.map((value) => ({ value, label: tEnum('subjects.status.', value) }))} width={120} />
          </>
        }
      />
    </>
  );
}

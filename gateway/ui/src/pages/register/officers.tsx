import { serverNow, call } from '../../api/client';
import type { Officer } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { PageHead } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatDay, today } from '../../lib/dates';
import { districtCodes, districtName } from '../../lib/districts';
import { lastPart } from '../../lib/names';
import { specialties } from '../../lib/specialties';
import { useMe } from '../../session';

/** The register of officers, as draws knows them (art. 13). */
export default function Officers() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Registers.ListOfficers', { parent, query: state.get('q'), district: state.get('district'), specialty: state.get('specialty'), candidate: state.get('show') === 'candidate', undeclared: state.get('show') === 'undeclared', orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.officers, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const districts = (row: Officer) => row.districts.map((code) => districtName(code, lang)).join(lang === 'zh' ? '、' : ', ');
  const day = today(serverNow());
  const availability = (row: Officer) => {
    if (row.leaveUntil) return t('officers.onLeave', { day: formatDay(row.leaveUntil, lang) });
    return t(row.candidate ? 'officers.active' : 'officers.inactive');
  };

  const columns: Column<Officer>[] = [
    { title: t('officers.key'), sort: 'key', head: true, nowrap: true, render: (row) => <code>{row.key}</code>, csv: (row) => row.key },
    { title: t('officers.districts'), render: districts, csv: districts },
    { title: t('officers.specialties'), render: (row) => row.specialties.map((one) => tEnum('specialty.', one)).join(lang === 'zh' ? '、' : ', '), csv: (row) => row.specialties.join(' ') },
    {
      title: t('officers.expires'),
      sort: 'expire_date',
      nowrap: true,
      render: (row) => (
        <span>
          {formatDay(row.expireDate, lang)} {row.expireDate !== '' && row.expireDate < day && <span className="due due-over">{t('officers.expired')}</span>}
        </span>
      ),
      csv: (row) => row.expireDate,
    },
    { title: t('officers.availability'), render: availability, csv: availability },
    {
      title: t('officers.declared'),
      nowrap: true,
      render: (row) => (row.declareDate ? formatDay(row.declareDate, lang) : <span className="due due-soon">{t('officers.undeclared')}</span>),
      csv: (row) => row.declareDate,
    },
  ];

  return (
    <>
      <PageHead title={t('officers.title')} lead={t('officers.lead')}>
        {me.may('Identity.SetCertificate') && (
          <LinkButton to="/users">{t('officers.change')}</LinkButton>
        )}
      </PageHead>
      <List
        label={t('officers.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.key}
        standard="key"
        csv={{ fileName: `officers-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('officers.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="district" label={t('field.district')} options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
            <FilterSelect state={state} name="specialty" label={t('officers.specialties')} options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} width={120} />
            <FilterSelect
              state={state}
              name="show"
              label={t('officers.filter')}
              options={[
                { value: 'candidate', label: t('officers.filterCandidates') },
                { value: 'undeclared', label: t('officers.filterUndeclared') },
              ]}
            />
          </>
        }
      />
    </>
  );
}

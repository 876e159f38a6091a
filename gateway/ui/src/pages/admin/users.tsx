import { UserAddOutlined } from '@ant-design/icons';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { User, UserState } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { heldRoles } from '../../lib/roles';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';

const states: readonly UserState[] = ['USER_STATE_PENDING_VERIFICATION', 'USER_STATE_ACTIVE', 'USER_STATE_FROZEN', 'USER_STATE_CLOSED'];

/** People with accounts (art. 27), for those who may see them. */
export default function Users() {
  const { t } = useI18n();
  const me = useMe();
  return me.may('Identity.ListUsers') ? <UserList /> : <NotForYou title={t('users.title')} method="Identity.ListUsers" />;
}

function UserList() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const { organisations } = useSessionState();
  const chosen = state.get('organisation');
  const organisation = me.cityWide && chosen ? `organisations/${chosen}` : '';
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const filter = { organisation, query: state.get('q'), state: states.find((one) => one === state.get('state')), role: heldRoles.find((one) => one === state.get('role')) };
    const answer = await call('Identity.ListUsers', { ...filter, orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.users, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const rolesOf = (row: User) => row.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ');

  const columns: Column<User>[] = [
    { title: t('users.realName'), sort: 'real_name', head: true, nowrap: true, render: (row) => <Link to={`/users/${lastPart(row.name)}`}>{row.realName}</Link>, csv: (row) => row.realName },
    { title: t('users.username'), sort: 'username', nowrap: true, render: (row) => row.username, csv: (row) => row.username },
    { title: t('users.roles'), render: rolesOf, csv: rolesOf },
    { title: t('field.organisation'), render: (row) => titleOf(row.organisation), csv: (row) => titleOf(row.organisation) },
    { title: t('users.certNumber'), nowrap: true, render: (row) => row.certificate?.number ?? '', csv: (row) => row.certificate?.number ?? '' },
    {
      title: t('field.state'),
      render: (row) => (
        <span>
          <StateTag prefix="users.state." value={row.state} />
          {row.lockedUntil && <small className="muted">{t('users.locked', { until: formatTime(row.lockedUntil, lang) })}</small>}
        </span>
      ),
      csv: (row) => tEnum('users.state.', row.state),
    },
    { title: t('users.createTime'), sort: 'create_time', render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
  ];

  return (
    <>
      <PageHead title={t('users.title')} lead={t('users.lead')}>
        {me.may('Identity.CreateUser') ? (
          <LinkButton type="primary" icon={<UserAddOutlined />} to="/users/new">{t('users.new')}</LinkButton>
        ) : (
          <MayNot method="Identity.CreateUser" what={t('users.new')} />
        )}
      </PageHead>
      <List
        label={t('users.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="username"
        csv={{ fileName: 'users.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('users.search')} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('users.state.', value) }))} width={120} />
            <FilterSelect state={state} name="role" label={t('users.role')} options={heldRoles.map((value) => ({ value, label: tEnum('role.', value) }))} width={150} />
            {me.cityWide && <FilterSelect state={state} name="organisation" label={t('field.organisation')} options={organisations.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }))} width={220} />}
          </>
        }
      />
    </>
  );
}

import { UserAddOutlined } from '@ant-design/icons';
import { App, Button } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Role } from '../../api/contract/access';
import type { User, UserState } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { CertificateForm } from './certificate';

const states: readonly UserState[] = ['USER_STATE_ACTIVE', 'USER_STATE_FROZEN'];
const roles: readonly Role[] = ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_OFFICER', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_COORDINATOR', 'ROLE_SUPERVISION_OFFICE', 'ROLE_AUDITOR', 'ROLE_PLATFORM_OPERATOR'];

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
  const { message } = App.useApp();
  const state = useListState();
  const { organisations } = useSessionState();
  const chosen = state.get('organisation');
  const organisation = me.cityWide && chosen ? `organisations/${chosen}` : '';
  const [asked, setAsked] = useState<User | null>(null);
  const [certified, setCertified] = useState<User | null>(null);
  const freezing = asked?.state === 'USER_STATE_ACTIVE';
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const filter = { organisation, query: state.get('q'), state: states.find((one) => one === state.get('state')), role: roles.find((one) => one === state.get('role')) };
    const answer = await call('Identity.ListUsers', { ...filter, orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.users, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const rolesOf = (row: User) => row.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ');

  const columns: Column<User>[] = [
    { title: t('users.realName'), sort: 'real_name', head: true, nowrap: true, render: (row) => row.realName, csv: (row) => row.realName },
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
    ...(me.may('Identity.FreezeUser')
      ? [
          {
            title: t('users.act'),
            render: (row: User) => (
              <span className="row-acts">
                {row.certificate && me.may('Identity.SetCertificate') && (
                  <Button size="small" onClick={() => setCertified(row)} aria-label={`${t('users.certSet')} ${row.realName}`}>
                    {t('users.certSet')}
                  </Button>
                )}
                {row.name !== me.user.name && (
                  <Button size="small" danger={row.state === 'USER_STATE_ACTIVE'} onClick={() => setAsked(row)} aria-label={`${t(row.state === 'USER_STATE_ACTIVE' ? 'users.freeze' : 'users.unfreeze')} ${row.realName}`}>
                    {t(row.state === 'USER_STATE_ACTIVE' ? 'users.freeze' : 'users.unfreeze')}
                  </Button>
                )}
              </span>
            ),
          },
        ]
      : []),
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
            <FilterSelect state={state} name="role" label={t('users.role')} options={roles.map((value) => ({ value, label: tEnum('role.', value) }))} width={150} />
            {me.cityWide && <FilterSelect state={state} name="organisation" label={t('field.organisation')} options={organisations.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }))} width={220} />}
          </>
        }
      />
      <Confirm
        open={asked !== null}
        title={`${t(freezing ? 'users.freeze' : 'users.unfreeze')} ${asked?.realName ?? ''}`}
        okText={t(freezing ? 'users.freeze' : 'users.unfreeze')}
        content={[asked?.name, asked?.etag]}
        danger={freezing}
        reason={freezing}
        onClose={() => setAsked(null)}
        onReload={loaded.reload}
        act={async (requestId, reason) => {
          const { name, etag } = asked ?? { name: '', etag: '' };
          if (freezing) await call('Identity.FreezeUser', { name, etag, reason, requestId });
          else await call('Identity.UnfreezeUser', { name, etag, requestId });
          void message.success(t(freezing ? 'users.frozen' : 'users.unfrozen'));
          loaded.reload();
        }}
      >
        <p>{t(freezing ? 'users.freezeAsk' : 'users.unfreezeAsk')}</p>
      </Confirm>
      {certified && <CertificateForm user={certified} onClose={() => setCertified(null)} onSaved={loaded.reload} />}
    </>
  );
}

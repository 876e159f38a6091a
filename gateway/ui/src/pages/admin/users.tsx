import { ApiOutlined, UserAddOutlined } from '@ant-design/icons';
import { App, Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { CreateMachineClientResponse, User } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { ErrorPanel } from '../../components/error-panel';
import { LinkButton } from '../../components/link-button';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { useMe, useOrganisationTitle } from '../../session';
import { CertificateForm } from './certificate';
import { ShownOnce } from './shown-once';

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
  const organisation = useOrganisationInView(state);
  const [asked, setAsked] = useState<User | null>(null);
  const [certified, setCertified] = useState<User | null>(null);
  const [machine, setMachine] = useState(false);
  const freezing = asked?.state === 'USER_STATE_ACTIVE';
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Identity.ListUsers', { organisation, query: state.get('q'), pageSize, pageToken }, signal);
    return { rows: answer.users, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${organisation}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const roles = (row: User) => row.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ');

  const columns: Column<User>[] = [
    { title: t('users.realName'), head: true, nowrap: true, render: (row) => row.realName, csv: (row) => row.realName },
    { title: t('users.username'), nowrap: true, render: (row) => row.username, csv: (row) => row.username },
    { title: t('users.roles'), render: roles, csv: roles },
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
        {me.may('Identity.CreateMachineClient') && (
          <Button icon={<ApiOutlined />} onClick={() => setMachine(true)}>
            {t('users.machine')}
          </Button>
        )}
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
        csv={{ fileName: 'users.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('users.search')} />
            <OrganisationFilter state={state} />
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
      <MachineClient open={machine} onClose={() => setMachine(false)} />
    </>
  );
}

function MachineClient({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useI18n();
  const [form] = Form.useForm<{ title: string }>();
  const { busy, error, run } = useAct();
  const [created, setCreated] = useState<CreateMachineClientResponse | null>(null);
  const create = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    await run(given, async (requestId) => {
      setCreated(await call('Identity.CreateMachineClient', { title: given.title.trim(), requestId }));
      form.resetFields();
      onClose();
    });
  };
  return (
    <>
      <Modal open={open} title={t('users.machine')} okText={t('users.machine')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void create()} onCancel={onClose} mask={{ closable: false }}>
        <p className="muted">{t('users.machineHint')}</p>
        <Form form={form} layout="vertical" name="machine">
          <Form.Item name="title" label={t('users.machinePurpose')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
            <Input maxLength={100} />
          </Form.Item>
        </Form>
        {error && <ErrorPanel error={error} />}
      </Modal>
      {created && (
        <ShownOnce
          title={t('users.machineTitle')}
          values={[
            [t('users.machineName'), created.name],
            [t('users.machineSecret'), created.secret],
          ]}
          onClose={() => setCreated(null)}
        />
      )}
    </>
  );
}

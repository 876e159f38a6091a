import { App, Button, Checkbox, Form, Input, Select, Spin } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/client';
import type { Role } from '../../api/contract/access';
import type { User as Account, UserAct } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { FormModal } from '../../components/form-modal';
import { LinkButton } from '../../components/link-button';
import { List } from '../../components/list';
import { useListState } from '../../components/list-state';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay, formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { grantable } from '../../lib/roles';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { CertificateForm } from './certificate';
import { SignOnLinks } from './sign-on-links';

type Asked = 'verify' | 'roles' | 'handOver' | 'close' | 'freeze' | 'unfreeze' | 'certificate' | 'links';

/** One account: its state, its roles, what was done to it, and what may be done next (art. 27). */
export default function User() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { provider } = useSessionState();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const { id = '' } = useParams();
  const name = `users/${id}`;
  const loaded = useLoad(name, (signal) => call('Identity.GetUser', { name }, signal));
  const [asked, setAsked] = useState<Asked | null>(null);
  const user = loaded.data;
  if (loaded.error) return <LoadFailed error={loaded.error} onRetry={loaded.reload} />;
  if (!user) return <Spin className="page-spin" size="large" />;

  const own = user.name === me.user.name;
  const open = user.state !== 'USER_STATE_CLOSED';
  const frozen = user.state === 'USER_STATE_FROZEN';
  const done = (saved: Account) => {
    loaded.set(saved);
    setAsked(null);
    void message.success(t('users.saved'));
  };
  const modal = { user, onClose: () => setAsked(null), onDone: done, onReload: loaded.reload };
  const rolesOf = user.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ');
  return (
    <>
      <PageHead title={user.realName} lead={titleOf(user.organisation)} state={<StateTag prefix="users.state." value={user.state} />}>
        <LinkButton to="/users">{t('users.back')}</LinkButton>
        {open && me.may('Users.VerifyUser') && (
          <>
            {user.state === 'USER_STATE_PENDING_VERIFICATION' && (
              <Button type="primary" onClick={() => setAsked('verify')}>
                {t('users.verify')}
              </Button>
            )}
            {!own && <Button onClick={() => setAsked('roles')}>{t('users.setRoles')}</Button>}
            {user.certificate && me.may('Identity.SetCertificate') && <Button onClick={() => setAsked('certificate')}>{t('users.certSet')}</Button>}
            <Button onClick={() => setAsked('handOver')}>{t('users.handOver')}</Button>
          </>
        )}
        {open && provider.zh && me.may('SignOns.CreateSignOnLink') && <Button onClick={() => setAsked('links')}>{t('users.links')}</Button>}
        {open && !own && me.may('Identity.FreezeUser') && user.state !== 'USER_STATE_PENDING_VERIFICATION' && (
          <Button danger={!frozen} onClick={() => setAsked(frozen ? 'unfreeze' : 'freeze')}>
            {t(frozen ? 'users.unfreeze' : 'users.freeze')}
          </Button>
        )}
        {open && !own && me.may('Users.CloseUser') && (
          <Button danger onClick={() => setAsked('close')}>
            {t('users.close')}
          </Button>
        )}
        <MayNot method="Users.SetRoles" />
      </PageHead>
      <Section>
        <Facts
          facts={[
            [t('users.username'), user.username],
            [t('users.roles'), rolesOf],
            [t('users.verification'), user.verification || t('users.unverified')],
            [t('users.createTime'), formatTime(user.createTime, lang)],
            ...(user.lockedUntil ? [[t('users.lock'), t('users.locked', { until: formatTime(user.lockedUntil, lang) })] as [string, string]] : []),
            ...(user.certificate
              ? ([
                  [t('users.certNumber'), user.certificate.number],
                  [t('users.certExpire'), formatDay(user.certificate.expireDate, lang)],
                  [t('users.certDistricts'), user.certificate.districts.map((code) => districtName(code, lang)).join(lang === 'zh' ? '、' : ', ')],
                ] as [string, string][])
              : []),
          ]}
        />
      </Section>
      {me.may('Users.ListUserActs') && <History key={user.etag} name={user.name} />}
      {asked === 'verify' && <Verify {...modal} />}
      {asked === 'roles' && <SetRoles {...modal} />}
      {(asked === 'handOver' || asked === 'close') && <Succeed {...modal} closing={asked === 'close'} />}
      {asked === 'certificate' && <CertificateForm user={user} onClose={() => setAsked(null)} onSaved={loaded.reload} />}
      {asked === 'links' && <SignOnLinks user={user} onClose={() => setAsked(null)} />}
      <Confirm
        open={asked === 'freeze' || asked === 'unfreeze'}
        title={`${t(frozen ? 'users.unfreeze' : 'users.freeze')} ${user.realName}`}
        okText={t(frozen ? 'users.unfreeze' : 'users.freeze')}
        content={[asked, user.etag]}
        danger={!frozen}
        reason={!frozen}
        onClose={() => setAsked(null)}
        onReload={loaded.reload}
        act={async (requestId, reason) => {
          const { etag } = user;
          loaded.set(frozen ? await call('Identity.UnfreezeUser', { name, etag, requestId }) : await call('Identity.FreezeUser', { name, etag, reason, requestId }));
          void message.success(t(frozen ? 'users.unfrozen' : 'users.frozen'));
        }}
      >
        <p>{t(frozen ? 'users.unfreezeAsk' : 'users.freezeAsk')}</p>
      </Confirm>
    </>
  );
}

interface Modal {
  user: Account;
  onClose: () => void;
  onDone: (saved: Account) => void;
  onReload: () => void;
}

/** How the real name was verified. */
function Verify({ user, onClose, onDone, onReload }: Modal) {
  const { t } = useI18n();
  const [form] = Form.useForm<{ verification: string }>();
  const { busy, error, run, clear } = useAct();
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { name: user.name, etag: user.etag, verification: given.verification.trim() };
    await run(request, async (requestId) => onDone(await call('Users.VerifyUser', { ...request, requestId })));
  };
  return (
    <FormModal title={`${t('users.verify')} ${user.realName}`} okText={t('users.verify')} form={form} name="verify" busy={busy} error={error} places={{}} lead={<p>{t('users.verifyAsk')}</p>} initialValues={{ verification: t('users.verificationUsual') }} onValuesChange={clear} onClose={onClose} onReload={onReload} onSubmit={save}>
      <Form.Item name="verification" label={t('users.verification')} extra={t('users.verificationHint')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
        <Input maxLength={500} />
      </Form.Item>
    </FormModal>
  );
}

/** Which roles somebody holds; those one may not grant stand there and stay as they are. */
function SetRoles({ user, onClose, onDone, onReload }: Modal) {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const [form] = Form.useForm<{ roles: Role[]; reason: string }>();
  const { busy, error, run, clear } = useAct();
  const mine = grantable(me.roles);
  const offered = [...mine, ...user.roles.filter((role) => !mine.includes(role))];
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { name: user.name, etag: user.etag, roles: given.roles, reason: given.reason.trim() };
    await run(request, async (requestId) => onDone(await call('Users.SetRoles', { ...request, requestId })));
  };
  return (
    <FormModal title={`${t('users.setRoles')} ${user.realName}`} okText={t('act.save')} form={form} name="roles" busy={busy} error={error} places={{ WIDER_RIGHTS: 'roles', ADMINS_SEPARATE: 'roles', CERTIFICATE_NEEDED: 'roles', DUTIES_LEFT: 'roles', LAST_ADMIN: 'roles', 'user.roles': 'roles' }} lead={<p>{t('users.setRolesAsk')}</p>} initialValues={{ roles: user.roles }} onValuesChange={clear} onClose={onClose} onReload={onReload} onSubmit={save}>
      <Form.Item name="roles" label={t('users.roles')} rules={[{ required: true, message: t('field.required') }]}>
        <Checkbox.Group className="role-boxes" options={offered.map((role) => ({ value: role, label: tEnum('role.', role), disabled: !mine.includes(role) }))} />
      </Form.Item>
      <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}

/** Somebody takes over; closing, the account ends with it. */
function Succeed({ user, onClose, onDone, onReload, closing }: Modal & { closing: boolean }) {
  const { t, tEnum, lang } = useI18n();
  const [form] = Form.useForm<{ successor?: string; reason: string }>();
  const { busy, error, run, clear } = useAct();
  const colleagues = useLoad(user.organisation, (signal) => call('Identity.ListUsers', { organisation: user.organisation, state: 'USER_STATE_ACTIVE', pageSize: 1000 }, signal));
  const options = (colleagues.data?.users ?? [])
    .filter((one) => one.name !== user.name)
    .map((one) => ({ value: one.name, label: `${one.realName}（${one.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ')}）` }));
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { name: user.name, etag: user.etag, successor: given.successor ?? '', reason: given.reason.trim() };
    await run(request, async (requestId) => onDone(closing ? await call('Users.CloseUser', { ...request, requestId }) : await call('Users.HandOverDuties', { ...request, requestId })));
  };
  const verb = t(closing ? 'users.close' : 'users.handOver');
  return (
    <FormModal title={`${verb} ${user.realName}`} okText={verb} form={form} name="succeed" busy={busy} error={error ?? colleagues.error} places={{ successor: 'successor', SUCCESSOR_UNFIT: 'successor', DUTIES_LEFT: 'successor' }} lead={<p>{t(closing ? 'users.closeAsk' : 'users.handOverAsk')}</p>} onValuesChange={clear} onClose={onClose} onReload={onReload} onSubmit={save}>
      <Form.Item name="successor" label={t('users.successor')} extra={closing ? t('users.successorHint') : undefined} rules={closing ? [] : [{ required: true, message: t('field.required') }]}>
        <Select allowClear loading={colleagues.loading} options={options} showSearch={{ optionFilterProp: 'label' }} />
      </Form.Item>
      <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}

/** What was done to an account, the newest first. */
function History({ name }: { name: string }) {
  const { t, tEnum, lang } = useI18n();
  const state = useListState('acts.', 20);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Users.ListUserActs', { parent: name, pageSize, pageToken }, signal);
    return { rows: answer.acts, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${name} ${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const rolesOf = (row: UserAct) => row.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ');
  const columns: Column<UserAct>[] = [
    { title: t('users.actKind'), head: true, nowrap: true, render: (row) => tEnum('users.act.', row.kind), csv: (row) => tEnum('users.act.', row.kind) },
    { title: t('users.actTime'), nowrap: true, render: (row) => formatTime(row.time, lang), csv: (row) => row.time ?? '' },
    { title: t('users.actor'), render: (row) => row.actor, csv: (row) => row.actor },
    { title: t('users.rolesAfter'), render: rolesOf, csv: rolesOf },
    { title: t('field.reason'), render: (row) => row.reason, csv: (row) => row.reason },
    { title: t('users.successor'), render: (row) => row.successor, csv: (row) => row.successor },
  ];
  return (
    <Section title={t('users.history')}>
      <List label={t('users.history')} state={state} loaded={loaded} columns={columns} rowKey={(row) => String(row.number)} csv={{ fileName: 'user-acts.csv', page }} />
    </Section>
  );
}

import { App, Button, Form, Select, Spin, Tag } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call, serverNow } from '../../api/client';
import type { MachineClient, MachineClientSecret, RotateMachineClientSecretResponse } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { FormModal } from '../../components/form-modal';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { Code, Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n, type TextKey } from '../../i18n';
import { formatTime, toInstant } from '../../lib/dates';
import { useMe, useOrganisationTitle } from '../../session';
import { ShownOnce } from './shown-once';

type Verb = 'freeze' | 'unfreeze' | 'retire' | 'endOld';

const texts: Record<Verb, { verb: TextKey; ask: TextKey; done: TextKey; danger: boolean; reason: boolean }> = {
  freeze: { verb: 'machines.freeze', ask: 'machines.freezeAsk', done: 'machines.frozen', danger: true, reason: true },
  unfreeze: { verb: 'machines.unfreeze', ask: 'machines.unfreezeAsk', done: 'machines.unfrozen', danger: false, reason: false },
  retire: { verb: 'machines.retire', ask: 'machines.retireAsk', done: 'machines.retired', danger: true, reason: true },
  endOld: { verb: 'machines.endOld', ask: 'machines.endOldAsk', done: 'machines.endedOld', danger: true, reason: false },
};

/** One of a department's systems: its secrets and their use, rotation, freezing (art. 22, 27). */
export default function Machine() {
  const { t, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const { id = '' } = useParams();
  const name = `machineClients/${id}`;
  const loaded = useLoad(name, (signal) => call('Identity.GetMachineClient', { name }, signal));
  const [asked, setAsked] = useState<Verb | null>(null);
  const [rotating, setRotating] = useState(false);
  const [rotated, setRotated] = useState<RotateMachineClientSecretResponse | null>(null);
  const client = loaded.data;
  if (loaded.error) return <LoadFailed error={loaded.error} onRetry={loaded.reload} />;
  if (!client) return <Spin className="page-spin" size="large" />;

  const manages = me.may('Identity.FreezeMachineClient');
  const retired = client.state === 'MACHINE_CLIENT_STATE_RETIRED';
  const active = client.state === 'MACHINE_CLIENT_STATE_ACTIVE';
  const act = async (verb: Verb, requestId: string, reason: string): Promise<MachineClient> => {
    const { etag } = client;
    switch (verb) {
      case 'freeze':
        return call('Identity.FreezeMachineClient', { name, etag, reason, requestId });
      case 'unfreeze':
        return call('Identity.UnfreezeMachineClient', { name, etag, requestId });
      case 'retire':
        return call('Identity.RetireMachineClient', { name, etag, reason, requestId });
      case 'endOld':
        return call('Identity.EndOldMachineClientSecret', { name, etag, requestId });
    }
  };
  const secrets: Column<MachineClientSecret>[] = [
    {
      title: t('machines.secret'),
      head: true,
      nowrap: true,
      render: (row) => (row.expireTime ? <Tag className="state state-warning">{t('machines.oldSecret')}</Tag> : <Tag className="state state-success">{t('machines.newestSecret')}</Tag>),
    },
    { title: t('field.createTime'), nowrap: true, render: (row) => formatTime(row.createTime, lang) },
    { title: t('machines.ends'), nowrap: true, render: (row) => (row.expireTime ? formatTime(row.expireTime, lang) : t('machines.noEnd')) },
    { title: t('machines.lastUse'), nowrap: true, render: (row) => (row.lastUseTime ? formatTime(row.lastUseTime, lang) : t('machines.neverUsed')) },
    { title: t('machines.address'), nowrap: true, render: (row) => row.lastUseAddress },
  ];

  return (
    <>
      <PageHead title={client.title} lead={titleOf(client.organisation)} state={<StateTag prefix="machines.state." value={client.state} />}>
        <LinkButton to="/machines">{t('machines.back')}</LinkButton>
        {manages && !retired && (
          <>
            <Button type="primary" onClick={() => setRotating(true)}>
              {t('machines.rotate')}
            </Button>
            <Button danger={active} onClick={() => setAsked(active ? 'freeze' : 'unfreeze')}>
              {t(active ? 'machines.freeze' : 'machines.unfreeze')}
            </Button>
            <Button danger onClick={() => setAsked('retire')}>
              {t('machines.retire')}
            </Button>
          </>
        )}
        <MayNot method="Identity.FreezeMachineClient" />
      </PageHead>
      <Section>
        <Facts
          facts={[
            [t('machines.name'), <Code key="name" text={client.name} label={t('machines.name')} />],
            [t('field.createTime'), formatTime(client.createTime, lang)],
            [t('machines.lastUse'), client.lastUseTime ? `${formatTime(client.lastUseTime, lang)} · ${client.lastUseAddress}` : t('machines.neverUsed')],
            [t(retired ? 'machines.retiredWhy' : 'machines.frozenWhy'), client.reason],
          ]}
        />
      </Section>
      {!retired && (
        <Section
          title={t('machines.secrets')}
          lead={t('machines.secretsLead')}
          extra={
            manages &&
            client.secrets.length > 1 && (
              <Button danger onClick={() => setAsked('endOld')}>
                {t('machines.endOld')}
              </Button>
            )
          }
        >
          <Table label={t('machines.secrets')} columns={secrets} rows={client.secrets} rowKey={(row) => row.expireTime ?? 'newest'} loading={loaded.loading} />
        </Section>
      )}
      {rotating && (
        <Rotate
          client={client}
          onClose={() => setRotating(false)}
          onReload={() => {
            setRotating(false);
            loaded.reload();
          }}
          onRotated={(made) => {
            setRotating(false);
            setRotated(made);
            if (made.client) loaded.set(made.client);
          }}
        />
      )}
      {rotated && (
        <ShownOnce
          title={t('machines.rotatedTitle')}
          note={t(rotated.secret ? 'machines.onceOnly' : 'machines.secretLost')}
          values={[
            [t('machines.name'), client.name],
            [t('machines.secret'), rotated.secret],
            [t('machines.oldEnds'), rotated.client?.secrets[1] ? formatTime(rotated.client.secrets[1].expireTime, lang) : ''],
          ]}
          onClose={() => setRotated(null)}
        />
      )}
      <Confirm
        open={asked !== null}
        title={asked ? `${t(texts[asked].verb)} ${client.title}` : ''}
        okText={asked ? t(texts[asked].verb) : ''}
        content={[asked, client.etag]}
        danger={asked !== null && texts[asked].danger}
        reason={asked !== null && texts[asked].reason}
        onClose={() => setAsked(null)}
        onReload={loaded.reload}
        act={async (requestId, reason) => {
          if (!asked) return;
          loaded.set(await act(asked, requestId, reason));
          void message.success(t(texts[asked].done));
        }}
      >
        {asked && <p>{t(texts[asked].ask)}</p>}
      </Confirm>
    </>
  );
}

/** Overlaps that are offered, hours; the service takes any up to thirty days. */
const overlaps = [0, 24, 72, 168, 336, 720] as const;

/** Makes the next secret, and says until when the one of before works. */
export function Rotate({ client, onClose, onReload, onRotated }: { client: MachineClient; onClose: () => void; onReload: () => void; onRotated: (made: RotateMachineClientSecretResponse) => void }) {
  const { t, lang } = useI18n();
  const [form] = Form.useForm<{ hours: number }>();
  const hours = Form.useWatch('hours', form) ?? 168;
  const { busy, error, run, clear } = useAct();
  const rotate = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { name: client.name, etag: client.etag, overlapHours: given.hours };
    await run(request, async (requestId) => onRotated(await call('Identity.RotateMachineClientSecret', { ...request, requestId })));
  };
  return (
    <FormModal
      title={`${t('machines.rotate')} ${client.title}`}
      okText={t('machines.rotate')}
      form={form}
      name="rotate"
      busy={busy}
      error={error}
      places={{ overlap_hours: 'hours' }}
      lead={<p>{t('machines.rotateAsk')}</p>}
      initialValues={{ hours: 168 }}
      onValuesChange={clear}
      onClose={onClose}
      onReload={onReload}
      onSubmit={rotate}
    >
      <Form.Item name="hours" label={t('machines.overlap')} extra={hours > 0 ? t('machines.oldUntil', { until: formatTime(toInstant(serverNow() + hours * 3_600_000), lang) }) : t('machines.oldAtOnce')}>
        <Select options={overlaps.map((value) => ({ value, label: value === 0 ? t('machines.overlapNone') : value < 168 ? t('machines.overlapHours', { n: value }) : t('machines.overlapDays', { n: value / 24 }) }))} />
      </Form.Item>
    </FormModal>
  );
}

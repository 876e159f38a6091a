import { PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { call } from '../../api/client';
import type { CreateMachineClientResponse, MachineClient, MachineClientState } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { ShownOnce } from './shown-once';

export const machineStates: readonly MachineClientState[] = ['MACHINE_CLIENT_STATE_ACTIVE', 'MACHINE_CLIENT_STATE_FROZEN', 'MACHINE_CLIENT_STATE_RETIRED'];

/** Departments' own systems that call the interface (art. 22), for those who may see them. */
export default function Machines() {
  const { t } = useI18n();
  const me = useMe();
  return me.may('Identity.ListMachineClients') ? <MachineList /> : <NotForYou title={t('machines.title')} method="Identity.ListMachineClients" />;
}

function MachineList() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const navigate = useNavigate();
  const state = useListState();
  const [adding, setAdding] = useState(false);
  const [created, setCreated] = useState<CreateMachineClientResponse | null>(null);
  const chosen = state.get('organisation');
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const request = { organisation: me.cityWide && chosen ? `organisations/${chosen}` : '', query: state.get('q'), state: machineStates.find((one) => one === state.get('state')), orderBy: state.order };
    const answer = await call('Identity.ListMachineClients', { ...request, pageSize, pageToken }, signal);
    return { rows: answer.clients, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const overlap = (row: MachineClient) => (row.secrets[1] ? t('machines.oldUntil', { until: formatTime(row.secrets[1].expireTime, lang) }) : '');

  const columns: Column<MachineClient>[] = [
    { title: t('machines.use'), sort: 'title', head: true, render: (row) => <Link to={`/machines/${lastPart(row.name)}`}>{row.title}</Link>, csv: (row) => row.title },
    { title: t('machines.name'), nowrap: true, csvOnly: true, render: () => null, csv: (row) => row.name },
    { title: t('field.organisation'), render: (row) => titleOf(row.organisation), csv: (row) => titleOf(row.organisation) },
    {
      title: t('field.state'),
      render: (row) => (
        <span>
          <StateTag prefix="machines.state." value={row.state} /> <small className="muted">{overlap(row)}</small>
        </span>
      ),
      csv: (row) => tEnum('machines.state.', row.state),
    },
    { title: t('machines.oldEnds'), csvOnly: true, render: () => null, csv: (row) => row.secrets[1]?.expireTime ?? '' },
    { title: t('machines.lastUse'), sort: 'last_use_time', render: (row) => (row.lastUseTime ? formatTime(row.lastUseTime, lang) : t('machines.neverUsed')), csv: (row) => row.lastUseTime ?? '' },
    { title: t('machines.address'), nowrap: true, render: (row) => row.lastUseAddress, csv: (row) => row.lastUseAddress },
    { title: t('field.createTime'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
  ];

  return (
    <>
      <PageHead title={t('machines.title')} lead={t('machines.lead')}>
        {me.may('Identity.CreateMachineClient') ? (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
            {t('machines.new')}
          </Button>
        ) : (
          <MayNot method="Identity.CreateMachineClient" what={t('machines.new')} />
        )}
      </PageHead>
      <List
        label={t('machines.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="title"
        empty={t('machines.none')}
        csv={{ fileName: 'machine-clients.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('machines.search')} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={machineStates.map((value) => ({ value, label: tEnum('machines.state.', value) }))} width={140} all={t('machines.stateAll')} />
            {me.cityWide && <FilterSelect state={state} name="organisation" label={t('field.organisation')} options={organisations.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }))} width={220} />}
          </>
        }
      />
      {adding && (
        <AddMachine
          onClose={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false);
            setCreated(made);
            loaded.reload();
          }}
        />
      )}
      {created && (
        <ShownOnce
          title={t('machines.createdTitle')}
          note={t(created.secret ? 'machines.onceOnly' : 'machines.secretLost')}
          values={[
            [t('machines.name'), created.name],
            [t('machines.secret'), created.secret],
          ]}
          onClose={() => void navigate(`/machines/${lastPart(created.name)}`)}
        />
      )}
    </>
  );
}

interface Written {
  title: string;
  organisation: string;
}

/** Registers a system of one's own department; the operator does it for any. */
function AddMachine({ onClose, onAdded }: { onClose: () => void; onAdded: (made: CreateMachineClientResponse) => void }) {
  const { t } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const [form] = Form.useForm<Written>();
  const { busy, error, run, clear } = useAct();
  const operator = me.roles.includes('ROLE_PLATFORM_OPERATOR');
  const add = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { title: given.title.trim(), organisation: given.organisation };
    await run(request, async (requestId) => onAdded(await call('Identity.CreateMachineClient', { ...request, requestId })));
  };
  return (
    <FormModal
      title={t('machines.new')}
      okText={t('machines.new')}
      form={form}
      name="machine"
      busy={busy}
      error={error}
      places={{ NOT_FOUND: 'organisation' }}
      lead={<p className="muted">{t('machines.newLead')}</p>}
      initialValues={{ organisation: me.organisation }}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={add}
    >
      <Form.Item name="title" label={t('machines.use')} extra={t('machines.useHint')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item name="organisation" label={t('field.organisation')} rules={[{ required: true, message: t('field.required') }]}>
        <Select disabled={!operator} options={(organisations.length > 0 ? organisations : [{ name: me.organisation }]).map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
      </Form.Item>
    </FormModal>
  );
}

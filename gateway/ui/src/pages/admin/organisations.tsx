import { PlusOutlined } from '@ant-design/icons';
import { App, Button, Checkbox, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Organisation, OrganisationKind } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { PageHead } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';

const kinds: readonly OrganisationKind[] = ['ORGANISATION_KIND_DISTRICT', 'ORGANISATION_KIND_DEPARTMENT', 'ORGANISATION_KIND_UNIT'];

/** The organisations of the city (art. 37, 38). */
export default function Organisations() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const [adding, setAdding] = useState(false);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const filter = { query: state.get('q'), kind: kinds.find((one) => one === state.get('kind')), district: state.get('district') };
    const answer = await call('Identity.ListOrganisations', { ...filter, orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.organisations, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const columns: Column<Organisation>[] = [
    { title: t('field.title'), sort: 'title', head: true, render: (row) => titleOf(row.name), csv: (row) => row.title },
    { title: t('organisations.id'), sort: 'name', nowrap: true, render: (row) => <code>{lastPart(row.name)}</code>, csv: (row) => lastPart(row.name) },
    { title: t('organisations.kind'), nowrap: true, render: (row) => tEnum('organisations.kind.', row.kind), csv: (row) => tEnum('organisations.kind.', row.kind) },
    { title: t('field.district'), sort: 'district', nowrap: true, render: (row) => districtName(row.district, lang), csv: (row) => row.district },
    { title: t('organisations.parent'), render: (row) => row.parent && titleOf(row.parent), csv: (row) => lastPart(row.parent) },
    { title: t('organisations.responsible'), render: (row) => row.responsible, csv: (row) => row.responsible },
    { title: t('organisations.enforcing'), render: (row) => t(row.enforcing ? 'field.yes' : 'field.no'), csv: (row) => t(row.enforcing ? 'field.yes' : 'field.no') },
  ];
  return (
    <>
      <PageHead title={t('organisations.title')} lead={t('organisations.lead')}>
        {me.may('Identity.CreateOrganisation') && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
            {t('organisations.new')}
          </Button>
        )}
      </PageHead>
      <List
        label={t('organisations.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="name"
        csv={{ fileName: 'organisations.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('organisations.search')} />
            <FilterSelect state={state} name="kind" label={t('organisations.kind')} options={kinds.map((value) => ({ value, label: tEnum('organisations.kind.', value) }))} width={130} />
            <FilterSelect state={state} name="district" label={t('field.district')} options={['410200', ...districtCodes].map((code) => ({ value: code, label: districtName(code, lang) }))} width={140} />
          </>
        }
      />
      {adding && <AddOrganisation onClose={() => setAdding(false)} onAdded={loaded.reload} />}
    </>
  );
}

interface OrganisationForm {
  id: string;
  title: string;
  titleEn?: string;
  kind: OrganisationKind;
  district: string;
  parent?: string;
  responsible?: string;
  enforcing?: boolean;
}

function AddOrganisation({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const { message } = App.useApp();
  const { organisations, reloadOrganisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const [form] = Form.useForm<OrganisationForm>();
  const { busy, error, run, clear } = useAct();
  const add = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const { id, ...organisation } = given;
    await run(given, async (requestId) => {
      await call('Identity.CreateOrganisation', { organisationId: id, organisation, requestId });
      void message.success(t('organisations.created'));
      onClose();
      onAdded();
      await reloadOrganisations().catch(() => undefined);
    });
  };
  const required = [{ required: true, message: t('field.required') }];
  return (
    <FormModal
      title={t('organisations.new')}
      okText={t('organisations.new')}
      form={form}
      name="organisation"
      width={640}
      busy={busy}
      error={error}
      places={{ organisation_id: 'id', ALREADY_EXISTS: 'id' }}
      initialValues={{ kind: 'ORGANISATION_KIND_DEPARTMENT', district: '410200', enforcing: false }}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={add}
    >
      <Form.Item name="id" label={t('organisations.id')} extra={t('organisations.idHint')} rules={[{ required: true, pattern: /^[a-z0-9-]{2,40}$/, message: t('organisations.idHint') }]}>
        <Input autoCapitalize="none" spellCheck={false} />
      </Form.Item>
      <div className="form-row">
        <Form.Item name="title" label={t('organisations.titleZh')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item name="titleEn" label={t('organisations.titleEn')}>
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item name="kind" label={t('organisations.kind')} rules={required}>
          <Select options={kinds.map((value) => ({ value, label: tEnum('organisations.kind.', value) }))} />
        </Form.Item>
        <Form.Item name="district" label={t('field.district')} rules={required}>
          <Select options={['410200', ...districtCodes].map((code) => ({ value: code, label: districtName(code, lang) }))} />
        </Form.Item>
        <Form.Item name="parent" label={t('organisations.parent')}>
          <Select allowClear options={organisations.map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
        </Form.Item>
        <Form.Item name="responsible" label={t('organisations.responsible')}>
          <Input maxLength={50} />
        </Form.Item>
      </div>
      <Form.Item name="enforcing" valuePropName="checked">
        <Checkbox>{t('organisations.enforcing')}</Checkbox>
      </Form.Item>
    </FormModal>
  );
}

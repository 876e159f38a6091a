import { App, Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Conflict } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { List } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead } from '../../components/page';
import { OfficerPicker, SubjectPicker } from '../../components/pickers';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { rolesFor } from '../../lib/roles';
import { useMe } from '../../session';

interface Declared {
  officer: string;
  subject: string;
  reason: string;
}

/** Conflicts of interest, declared before draws (art. 16). */
export default function Conflicts() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const mayRead = me.may('Registers.ListConflicts');
  const [declaring, setDeclaring] = useState(false);
  const [form] = Form.useForm<Declared>();
  const { busy, error, run, clear } = useAct();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    if (!mayRead) return { rows: [], nextPageToken: '' };
    const answer = await call('Registers.ListConflicts', { parent, pageSize, pageToken }, signal);
    return { rows: answer.conflicts, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));

  const columns: Column<Conflict>[] = [
    { title: t('conflicts.officer'), head: true, render: (row) => <code>{row.officer}</code>, csv: (row) => row.officer },
    { title: t('conflicts.subject'), render: (row) => <code>{row.subject}</code>, csv: (row) => row.subject },
    { title: t('field.reason'), render: (row) => row.reason, csv: (row) => row.reason },
    { title: t('conflicts.time'), render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
  ];

  const declare = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const conflict = { ...given, reason: given.reason.trim() };
    const done = await run(conflict, async (requestId) => {
      await call('Registers.DeclareConflict', { parent: me.organisation, conflict, requestId });
    });
    if (!done) return;
    void message.success(t('conflicts.declared'));
    form.resetFields();
    setDeclaring(false);
    loaded.reload();
  };

  return (
    <>
      <PageHead title={t('conflicts.title')} lead={t('conflicts.lead')}>
        {me.may('Registers.DeclareConflict') ? (
          <Button
            type="primary"
            onClick={() => {
              clear();
              setDeclaring(true);
            }}
          >
            {t('conflicts.declare')}
          </Button>
        ) : (
          <MayNot method="Registers.DeclareConflict" />
        )}
      </PageHead>
      {mayRead ? (
        <List label={t('conflicts.title')} state={state} loaded={loaded} columns={columns} rowKey={(row) => row.name} csv={{ fileName: `conflicts-${lastPart(parent)}.csv`, page }} filters={<OrganisationFilter state={state} />} />
      ) : (
        <p className="muted">{t('conflicts.readers', { roles: rolesFor('Registers.ListConflicts').map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ') })}</p>
      )}
      <Modal open={declaring} title={t('conflicts.declare')} okText={t('conflicts.declare')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void declare()} onCancel={() => setDeclaring(false)} mask={{ closable: false }}>
        <Form form={form} layout="vertical" name="conflict" initialValues={{ officer: me.user.certificate?.number || undefined }}>
          <Form.Item name="officer" label={t('conflicts.officer')} rules={[{ required: true, message: t('field.required') }]}>
            <OfficerPicker parent={me.organisation} placeholder={t('officers.search')} />
          </Form.Item>
          <Form.Item name="subject" label={t('conflicts.subject')} rules={[{ required: true, message: t('field.required') }]}>
            <SubjectPicker parent={me.organisation} placeholder={t('conflicts.subjectHint')} />
          </Form.Item>
          <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
            <Input.TextArea rows={3} maxLength={500} showCount />
          </Form.Item>
        </Form>
        {error && <ErrorPanel error={error} />}
      </Modal>
    </>
  );
}

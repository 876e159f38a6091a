import { Alert, App, Form, Input, Modal, Radio, Select } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call, type Input as Given } from '../../api/client';
import type { RegisterChange } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
import { useInputRefusals } from '../../components/field-refusals';
import { StateTag } from '../../components/page';
import { Table } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useFocusBack } from '../../components/focus-back';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { lastPart, pathBelow } from '../../lib/names';
import { statuses } from './life';

type Scope = Pick<Given<'RegisterChanges.ChangeSubjects'>, 'subjects' | 'filter'>;

/** Changes many subjects at once: what, why, a preview, then the change (art. 13). */
export function BulkChange({ parent, scope, onClose }: { parent: string; scope: Scope; onClose: () => void }) {
  useFocusBack();
  const { t, tEnum, lang } = useI18n();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const { busy, error, run, clear } = useAct();
  const [kind, setKind] = useState<'status' | 'district'>('status');
  const [status, setStatus] = useState<string>();
  const [district, setDistrict] = useState<string>();
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const [preview, setPreview] = useState<RegisterChange | null>(null);

  const wanted = kind === 'status' ? { status: statuses.find((one) => one === status) } : { district: district ?? '' };
  const noTarget = kind === 'status' ? !status : !district;
  const short = reason.trim().length < 2;
  const request = { parent, ...scope, ...wanted, reason: reason.trim() };
  const refused = useInputRefusals(error, { target: 'bulk-target', reason: 'bulk-reason' }, { status: 'target', district: 'target' });
  const wrongTarget = tried && noTarget ? t('field.required') : refused.about('target');
  const wrongReason = tried && short ? t('field.reasonShort') : refused.about('reason');
  const edited = () => {
    setPreview(null);
    clear();
  };

  const look = async () => {
    setTried(true);
    if (noTarget || short) return;
    await run(['preview', request], async () => setPreview(await call('RegisterChanges.ChangeSubjects', { ...request, validateOnly: true })));
  };
  const submit = async () => {
    const done = await run(request, async (requestId) => {
      const change = await call('RegisterChanges.ChangeSubjects', { ...request, requestId });
      void message.success(t('changes.begun'));
      void navigate(pathBelow('subjects/changes', change.name));
    });
    if (done) onClose();
  };

  const n = (text: string) => Number(text).toLocaleString('en');
  return (
    <Modal
      open
      width={720}
      title={t('changes.dialog')}
      okText={preview ? t('changes.submit') : t('changes.preview')}
      cancelText={t('act.cancel')}
      confirmLoading={busy}
      onOk={() => void (preview ? submit() : look())}
      onCancel={onClose}
      mask={{ closable: false }}
    >
      <Form layout="vertical">
        <Form.Item label={t('changes.what')}>
          <Radio.Group
            value={kind}
            onChange={(event) => {
              setKind(event.target.value as 'status' | 'district');
              edited();
            }}
            options={[
              { value: 'status', label: t('changes.kind.REGISTER_CHANGE_KIND_STATUS') },
              { value: 'district', label: t('changes.kind.REGISTER_CHANGE_KIND_DISTRICT') },
            ]}
          />
        </Form.Item>
        <Form.Item label={t('changes.to')} required htmlFor="bulk-target" validateStatus={wrongTarget ? 'error' : ''} help={wrongTarget}>
          {kind === 'status' ? (
            <Select
              id="bulk-target"
              aria-label={t('changes.to')}
              value={status}
              options={statuses.map((value) => ({ value, label: tEnum('subjects.status.', value) }))}
              onChange={(value: string) => {
                setStatus(value);
                edited();
              }}
            />
          ) : (
            <Select
              id="bulk-target"
              aria-label={t('changes.to')}
              value={district}
              options={districtCodes.map((value) => ({ value, label: `${districtName(value, lang)} ${value}` }))}
              onChange={(value: string) => {
                setDistrict(value);
                edited();
              }}
            />
          )}
        </Form.Item>
        <Form.Item label={t('field.reason')} required htmlFor="bulk-reason" validateStatus={wrongReason ? 'error' : ''} help={wrongReason}>
          <Input.TextArea
            id="bulk-reason"
            rows={2}
            maxLength={500}
            showCount
            value={reason}
            onChange={(event) => {
              setReason(event.target.value);
              edited();
            }}
          />
        </Form.Item>
      </Form>
      {preview && (
        <div role="status">
          {preview.plan && <Alert type="warning" showIcon title={t('changes.previewGuarded', { plan: lastPart(preview.plan) })} />}
          <p>
            <strong>{t('changes.previewSays', { rows: n(preview.rows), unchanged: n(preview.unchanged) })}</strong> {t('changes.previewFirst', { n: preview.samples.length })}
          </p>
          <Table
            label={t('changes.preview')}
            rows={preview.samples}
            rowKey={(row) => row.key}
            columns={[
              { title: t('field.title'), head: true, render: (row) => row.title },
              { title: t('subjects.key'), nowrap: true, render: (row) => <code>{row.key}</code> },
              { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang) },
              { title: t('subjects.status'), render: (row) => <StateTag prefix="subjects.status." value={row.status} /> },
            ]}
          />
        </div>
      )}
      {error && <ErrorPanel error={error} beside={refused.beside} />}
    </Modal>
  );
}

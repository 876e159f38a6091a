import { App, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { RecusalGround, Visit } from '../../api/contract/draws';
import { FormModal } from '../../components/form-modal';
import { RemoteSelect } from '../../components/pickers';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';

const grounds = ['RECUSAL_GROUND_INTEREST', 'RECUSAL_GROUND_KINSHIP', 'RECUSAL_GROUND_ILLNESS', 'RECUSAL_GROUND_TRANSFER', 'RECUSAL_GROUND_OTHER'] as const satisfies readonly RecusalGround[];

interface Asked {
  visit: string;
  person: string;
  ground: RecusalGround;
  note?: string;
}

/** Asking that somebody leave a team: an officer for himself, a handler for anybody of the team (art. 16). */
export function AskRecusal({ onClose, onAsked }: { onClose: () => void; onAsked: () => void }) {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [form] = Form.useForm<Asked>();
  const { busy, error, run } = useAct();
  const [visits, setVisits] = useState<ReadonlyMap<string, Visit>>(new Map());
  const own = me.user.certificate?.number ?? '';
  const forOthers = me.roles.includes('ROLE_HANDLER');
  const visit = visits.get(Form.useWatch('visit', form) ?? '');
  const ground = Form.useWatch('ground', form);
  const people = visit ? [...visit.officers, ...visit.experts].filter((person) => forOthers || person === own) : [];

  const find = async (query: string, signal: AbortSignal) => {
    const page = await call('Visits.ListVisits', { query, officer: forOthers ? '' : 'me', pageSize: 20 }, signal);
    setVisits((known) => new Map([...known, ...page.visits.map((one) => [one.name, one] as const)]));
    return page.visits.map((one) => ({ value: one.name, label: `${one.title} · ${lastPart(one.draw)}` }));
  };

  const ask = async () => {
    const given = await form.validateFields().catch(() => null);
    const chosen = given && visits.get(given.visit);
    if (!given || !chosen) return;
    const recusal = { draw: chosen.draw, subject: chosen.subject, person: given.person, ground: given.ground, note: given.note?.trim() ?? '' };
    const done = await run(recusal, async (requestId) => {
      await call('Recusals.CreateRecusal', { recusal, requestId });
    });
    if (!done) return;
    void message.success(t('recusals.asked'));
    onAsked();
    onClose();
  };

  return (
    <FormModal
      title={t('recusals.ask')}
      okText={t('recusals.ask')}
      form={form}
      name="recusal"
      busy={busy}
      error={error}
      places={{ subject: 'visit', draw: 'visit', RECUSAL_OPEN: 'person' }}
      initialValues={{ person: own || undefined }}
      lead={<p className="muted">{t('recusals.askOwn')}</p>}
      onClose={onClose}
      onSubmit={ask}
    >
      <Form.Item name="visit" label={t('recusals.visit')} rules={[{ required: true, message: t('field.required') }]}>
        <RemoteSelect placeholder={t('recusals.visitHint')} find={find} />
      </Form.Item>
      <Form.Item name="person" label={t('recusals.person')} rules={[{ required: true, message: t('field.required') }]}>
        <Select disabled={!visit} options={people.map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item name="ground" label={t('recusals.ground')} rules={[{ required: true, message: t('field.required') }]}>
        <Select options={grounds.map((value) => ({ value, label: tEnum('recusals.ground.', value) }))} />
      </Form.Item>
      <Form.Item name="note" label={t('recusals.note')} extra={t('recusals.noteHint')} rules={ground === 'RECUSAL_GROUND_OTHER' ? [{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }] : []}>
        <Input.TextArea rows={3} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}

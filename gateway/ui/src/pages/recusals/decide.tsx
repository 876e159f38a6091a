import { Alert, App, Form, Input, Modal, Radio } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Recusal } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
import { useInputRefusals } from '../../components/field-refusals';
import { Facts } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useFocusBack } from '../../components/focus-back';
import { useI18n } from '../../i18n';
import { lastPart } from '../../lib/names';

type Decision = 'RECUSAL_ACT_EXCHANGE' | 'RECUSAL_ACT_WITHDRAW' | 'reject';

/** Deciding about somebody else's recusal: exchange, withdrawal, or no (art. 16). */
export function DecideRecusal({ recusal, onClose, onDecided }: { recusal: Recusal; onClose: () => void; onDecided: () => void }) {
  useFocusBack();
  const { t, tEnum } = useI18n();
  const { message } = App.useApp();
  const { busy, error, run, clear } = useAct();
  const [decision, setDecision] = useState<Decision | null>(null);
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { name, etag } = recusal;
  // Who is ill or gone takes nobody's place.
  const onlyReplaced = recusal.ground === 'RECUSAL_GROUND_ILLNESS' || recusal.ground === 'RECUSAL_GROUND_TRANSFER';
  const short = decision === 'reject' && reason.trim().length < 2;
  const refused = useInputRefusals(error, { act: 'recusal-act', ...(decision === 'reject' && { reason: 'reject-reason' }) });
  const noDecision = tried && decision === null ? t('recusals.choose') : refused.about('act');
  const noReason = tried && short ? t('field.reasonShort') : refused.about('reason');

  const decide = async () => {
    setTried(true);
    if (decision === null || short) return;
    const done = await run([name, etag, decision, reason.trim()], async (requestId) => {
      if (decision === 'reject') await call('Recusals.RejectRecusal', { name, etag, reason: reason.trim(), requestId });
      else await call('Recusals.UpholdRecusal', { name, etag, act: decision, requestId });
    });
    if (!done) return;
    void message.success(t('recusals.decided'));
    onDecided();
    onClose();
  };
  const option = (value: Decision, text: string, hint?: string) => (
    <Radio value={value}>
      {text}
      {hint && <small className="muted beneath">{hint}</small>}
    </Radio>
  );

  return (
    <Modal open title={t('recusals.decideTitle', { number: lastPart(name) })} okText={t('recusals.decide')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void decide()} onCancel={onClose} mask={{ closable: false }}>
      <Facts
        facts={[
          [t('visits.subject'), recusal.title],
          [t('recusals.person'), <code key="person">{recusal.person}</code>],
          [t('recusals.ground'), tEnum('recusals.ground.', recusal.ground)],
          [t('recusals.note'), recusal.note],
        ]}
      />
      <Form layout="vertical">
        <Form.Item label={t('recusals.decide')} validateStatus={noDecision ? 'error' : ''} help={noDecision}>
          <Radio.Group
            id="recusal-act"
            aria-label={t('recusals.decide')}
            value={decision}
            vertical
            onChange={(event) => {
              clear();
              setDecision(event.target.value as Decision);
            }}
          >
            {!onlyReplaced && option('RECUSAL_ACT_EXCHANGE', t('recusals.exchange'), t('recusals.exchangeHint'))}
            {option('RECUSAL_ACT_WITHDRAW', t('recusals.withdraw'), t('recusals.withdrawHint'))}
            {option('reject', t('recusals.reject'))}
          </Radio.Group>
        </Form.Item>
        {decision === 'reject' && (
          <Form.Item label={t('recusals.rejectReason')} required htmlFor="reject-reason" validateStatus={noReason ? 'error' : ''} help={noReason}>
            <Input.TextArea
              id="reject-reason"
              rows={3}
              maxLength={500}
              showCount
              value={reason}
              onChange={(event) => {
                clear();
                setReason(event.target.value);
              }}
            />
          </Form.Item>
        )}
      </Form>
      {decision !== null && decision !== 'reject' && <Alert type="warning" showIcon title={t('recusals.publicWarn')} />}
      {error && (
        <ErrorPanel
          error={error}
          beside={refused.beside}
          onRetry={
            error.stale
              ? () => {
                  onDecided();
                  clear();
                }
              : undefined
          }
        />
      )}
    </Modal>
  );
}

import { Form, Input, Modal } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import { useI18n } from '../i18n';
import { ErrorPanel } from './error-panel';
import { useInputRefusals } from './field-refusals';
import { useAct } from './use-act';

interface Props {
  open: boolean;
  title: string;
  /** What will happen. */
  children?: ReactNode;
  okText: string;
  danger?: boolean;
  /** What besides the reason goes into the request, such as name and etag; a change of it is a new request. */
  content?: unknown;
  /** Whether a reason is asked for. */
  reason?: boolean;
  onClose: () => void;
  /** Does it; a refusal is shown in place. */
  act: (requestId: string, reason: string) => Promise<void>;
  /** Reloads the record after a STALE refusal. */
  onReload?: () => void;
}

/** Asks before something that cannot be undone, or that needs a reason. */
export function Confirm({ open, title, children, okText, danger = false, content, reason = false, onClose, act, onReload }: Props) {
  const { t } = useI18n();
  const { busy, error, run, clear } = useAct();
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  const short = reason && text.trim().length < 2;
  const refused = useInputRefusals(error, reason ? { reason: 'confirm-reason' } : {});
  const wrong = tried && short ? t('field.reasonShort') : refused.about('reason');

  useEffect(() => {
    if (!open) return;
    clear();
    setTried(false);
  }, [open, clear]);

  const confirm = async () => {
    setTried(true);
    if (short) return;
    const done = await run([title, content, text.trim()], (requestId) => act(requestId, text.trim()));
    if (!done) return;
    setText('');
    onClose();
  };

  return (
    <Modal open={open} title={title} okText={okText} cancelText={t('act.cancel')} okButtonProps={{ danger }} confirmLoading={busy} onOk={() => void confirm()} onCancel={onClose} mask={{ closable: false }}>
      {children}
      {reason && (
        <Form layout="vertical">
          <Form.Item label={t('field.reason')} required htmlFor="confirm-reason" validateStatus={wrong ? 'error' : ''} help={wrong}>
            <Input.TextArea
              id="confirm-reason"
              rows={3}
              maxLength={500}
              showCount
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                clear();
              }}
            />
          </Form.Item>
        </Form>
      )}
      {error && (
        <ErrorPanel
          error={error}
          beside={refused.beside}
          onRetry={
            error.stale && onReload
              ? () => {
                  onReload();
                  onClose();
                }
              : undefined
          }
        />
      )}
    </Modal>
  );
}

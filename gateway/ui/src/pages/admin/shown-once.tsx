import { Alert, Button, Modal } from 'antd';
import { Code, Facts } from '../../components/page';
import { useI18n } from '../../i18n';

/** A secret that is shown this once. Closing it takes a deliberate click. */
export function ShownOnce({ title, note, values, onClose }: { title: string; note?: string; values: readonly (readonly [name: string, value: string])[]; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Modal
      open
      title={title}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {t('act.close')}
        </Button>
      }
    >
      <Alert type="warning" showIcon className="error-panel" title={note ?? t('users.onceOnly')} />
      <Facts facts={values.filter(([, value]) => value !== '').map(([name, value]) => [name, <Code key={name} text={value} label={name} />])} />
    </Modal>
  );
}

import { Form, Modal, type FormInstance, type FormProps } from 'antd';
import type { ReactNode } from 'react';
import type { ApiError } from '../api/errors';
import { useI18n } from '../i18n';
import { enterTakesDate } from './enter-in-pickers';
import { ErrorPanel } from './error-panel';
import { useFocusBack } from './focus-back';
import { useFieldRefusals, type Places } from './field-refusals';

interface Props<Values> {
  title: string;
  okText: string;
  form: FormInstance<Values>;
  /** Name of the form, by which its fields and its button find it. */
  name: string;
  busy: boolean;
  error: ApiError | undefined;
  places?: Places;
  width?: number;
  initialValues?: FormProps<Values>['initialValues'];
  onValuesChange?: FormProps<Values>['onValuesChange'];
  /** What stands above the fields. */
  lead?: ReactNode;
  onClose: () => void;
  /** Sends what was checked; also by Enter. */
  onSubmit: () => Promise<void>;
  /** Reads the record again after somebody else's change. */
  onReload?: () => void;
  children: ReactNode;
}

/** A form in a dialog: Enter sends it, Escape closes it, a refusal stands beside its field and keeps what was typed. */
export function FormModal<Values>({ title, okText, form, name, busy, error, places, width, initialValues, onValuesChange, lead, onClose, onSubmit, onReload, children }: Props<Values>) {
  const { t } = useI18n();
  const beside = useFieldRefusals(form, error, places);
  useFocusBack();
  return (
    <Modal open title={title} width={width} okText={okText} cancelText={t('act.cancel')} confirmLoading={busy} okButtonProps={{ htmlType: 'submit', form: name }} onCancel={onClose} mask={{ closable: false }}>
      {lead}
      <Form<Values>
        form={form}
        layout="vertical"
        name={name}
        className={lead ? 'form-below' : undefined}
        initialValues={initialValues}
        onValuesChange={onValuesChange}
        onKeyDown={enterTakesDate}
        onFinish={() => {
          if (!busy) void onSubmit();
        }}
        scrollToFirstError={{ focus: true }}
      >
        {children}
      </Form>
      {error && <ErrorPanel error={error} beside={beside} onRetry={error.stale ? onReload : undefined} />}
    </Modal>
  );
}

import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Select } from 'antd';
import { useI18n } from '../../i18n';
import { lastPart } from '../../lib/names';
import { useSessionState } from '../../session';

/** A witness as the form has it. */
export interface WitnessRow {
  contributor?: string;
  unit?: string;
}

/** A name of the protocol. */
const name = /^[0-9A-Za-z:/._-]{1,64}$/;

/** Witnesses from outside: `taken` are the units that contribute already, each of which gives one entry. */
export function WitnessFields({ own, taken }: { own: string; taken: readonly string[] }) {
  const { t } = useI18n();
  const { organisations } = useSessionState();
  const units = organisations.map((one) => ({ value: lastPart(one.name), label: one.title })).filter((one) => one.value !== own);
  return (
    <Form.Item label={t('witness.fields')} extra={t('witness.fieldsHint')}>
      <Form.List name="witnesses">
        {(rows, { add, remove }) => (
          <>
            {rows.map((row) => (
              <div key={row.key} className="witness-row">
                <Form.Item name={[row.name, 'contributor']} label={t('witness.name')} extra={t('witness.nameHint')} rules={[{ required: true, message: t('field.required') }, { pattern: name, message: t('witness.nameWrong') }]}>
                  <Input maxLength={64} autoComplete="off" />
                </Form.Item>
                <Form.Item
                  name={[row.name, 'unit']}
                  label={t('witness.unit')}
                  rules={[
                    { required: true, message: t('field.required') },
                    { validator: (_, unit: string | undefined) => (unit && taken.filter((one) => one === unit).length > 1 ? Promise.reject(new Error(t('witness.unitOnce'))) : Promise.resolve()) },
                  ]}
                >
                  <Select options={units} showSearch={{ optionFilterProp: 'label' }} />
                </Form.Item>
                <Button icon={<MinusCircleOutlined />} onClick={() => remove(row.name)} aria-label={t('witness.remove')} />
              </div>
            ))}
            <Button icon={<PlusOutlined />} onClick={() => add({})}>
              {t('witness.add')}
            </Button>
          </>
        )}
      </Form.List>
    </Form.Item>
  );
}

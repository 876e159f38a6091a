import { App, Button, Checkbox, Form, Input, Radio } from 'antd';
import { call } from '../../api/client';
import { FormModal } from '../../components/form-modal';
import { SubjectPicker } from '../../components/pickers';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { useMe } from '../../session';

interface Written {
  says: 'none' | 'list';
  confirms?: boolean;
  additions?: { subject: string; reason: string }[];
}

/** A person's declaration for a year (art. 16): none, or what stands and what is added. */
export function Declare({ person, expert, year, standing, onClose, onDone }: { person: string; expert: boolean; year: number; standing: readonly string[]; onClose: () => void; onDone: () => void }) {
  const { t } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [form] = Form.useForm<Written>();
  const says = Form.useWatch('says', form);
  const { busy, error, run, clear } = useAct();
  const known = standing.length > 0;
  const title = expert ? t('declarations.declareFor', { person }) : t('declarations.mine', { year });
  const required = [{ required: true, message: t('field.required') }];

  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const list = given.says === 'list';
    const additions = list ? (given.additions ?? []).map((one) => ({ subject: one.subject, reason: one.reason.trim() })) : [];
    const content = { parent: me.organisation, declaration: { person, expert, year }, none: !list, confirms: list && known && given.confirms === true, additions };
    const done = await run(content, async (requestId) => {
      await call('People.CreateDeclaration', { ...content, requestId });
    });
    if (!done) return;
    void message.success(t('declarations.declared'));
    onDone();
    onClose();
  };

  return (
    <FormModal
      title={title}
      okText={t('declarations.declare')}
      form={form}
      name="declaration"
      busy={busy}
      error={error}
      width={640}
      places={{ none: 'says' }}
      initialValues={{ says: known ? 'list' : undefined, additions: [] }}
      onValuesChange={clear}
      lead={
        <>
          <p className="muted">{t('declarations.final')}</p>
          <h3 style={{ margin: '16px 0 4px' }}>{t('declarations.standing')}</h3>
          {known ? (
            <ul className="plain-list dotted">
              {standing.map((subject) => (
                <li key={subject}>
                  <code>{subject}</code>
                </li>
              ))}
            </ul>
          ) : (
            <p className="muted">{t('declarations.noStanding')}</p>
          )}
        </>
      }
      onClose={onClose}
      onSubmit={save}
    >
      <Form.Item name="says" label={t('declarations.declare')} rules={required}>
        <Radio.Group
          options={[
            { value: 'none', label: t('declarations.none'), disabled: known },
            { value: 'list', label: t('declarations.list') },
          ]}
        />
      </Form.Item>
      {says === 'list' && known && (
        <Form.Item name="confirms" valuePropName="checked" rules={[{ validator: (_, checked) => (checked ? Promise.resolve() : Promise.reject(new Error(t('declarations.confirmsNeeded')))) }]}>
          <Checkbox>{t('declarations.confirms')}</Checkbox>
        </Form.Item>
      )}
      {says === 'list' && (
        <Form.List name="additions">
          {(lines, { add, remove }) => (
            <>
              {lines.map((line) => (
                <div key={line.key} className="section">
                  <Form.Item name={[line.name, 'subject']} label={t('conflicts.subject')} rules={required}>
                    <SubjectPicker parent={me.organisation} placeholder={t('conflicts.subjectHint')} />
                  </Form.Item>
                  <Form.Item name={[line.name, 'reason']} label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
                    <Input maxLength={500} />
                  </Form.Item>
                  <Button onClick={() => remove(line.name)}>{t('act.remove')}</Button>
                </div>
              ))}
              <Button onClick={() => add()}>{t('declarations.add')}</Button>
            </>
          )}
        </Form.List>
      )}
    </FormModal>
  );
}

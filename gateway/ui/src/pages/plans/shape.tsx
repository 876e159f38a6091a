import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, DatePicker, Form, Input, InputNumber, Select, type FormInstance } from 'antd';
import type { Plan } from '../../api/contract/draws';
import { Section } from '../../components/page';
import { useI18n } from '../../i18n';
import { formatDay } from '../../lib/dates';
import { districtCodes, districtName } from '../../lib/districts';
import { byClass, exceptionKinds, tables, type PlanForm } from '../../lib/plan-form';
import { useOrganisationTitle, useSessionState } from '../../session';

/** Experts beside the officers of each team (art. 15). */
export function ExpertFields() {
  const { t } = useI18n();
  const wanted = Form.useWatch('expertCount', Form.useFormInstance<PlanForm>());
  return (
    <div className="form-row">
      <Form.Item name="expertCount" label={t('plans.expertCount')} extra={t('plans.expertHint')}>
        <InputNumber min={0} max={50} precision={0} className="wide" />
      </Form.Item>
      {wanted > 0 && (
        <Form.Item name="expertSpecialty" label={t('plans.expertSpecialty')}>
          <Input maxLength={64} placeholder={t('field.none')} />
        </Form.Item>
      )}
    </div>
  );
}

/** What of the plan's draws is not published, and when the result is (art. 18). */
export function PublicationFields() {
  const { t, tEnum, lang } = useI18n();
  const form = Form.useFormInstance<PlanForm>();
  const files = Form.useWatch('withheldFiles', form);
  const stratified = byClass(Form.useWatch('stratification', form));
  const later = Form.useWatch('publishAfter', form);
  const basis = [{ required: true, whitespace: true, min: 2, message: t('plans.basisWanted') }];
  return (
    <Section title={t('plans.publication')} lead={t('plans.publicationLead')}>
      {stratified && (
        <Form.Item name="registerBasis" label={t('plans.registerBasis')} extra={t('plans.registerBasisHint')}>
          <Input maxLength={500} placeholder={t('field.none')} />
        </Form.Item>
      )}
      <Form.Item name="withheldFiles" label={t('plans.withheld')}>
        <Select mode="multiple" placeholder={t('plans.withheldNone')} options={tables.map((file) => ({ value: file, label: tEnum('plans.table.', file) }))} />
      </Form.Item>
      {files?.length > 0 && (
        <Form.Item name="withheldBasis" label={t('plans.withheldBasis')} rules={basis}>
          <Input.TextArea rows={2} maxLength={500} />
        </Form.Item>
      )}
      <Form.Item name="publishAfter" label={t('plans.publishAfter')} extra={t('plans.publishAfterHint')} dependencies={['endDate']} rules={[afterTheEnd(t('plans.publishAfterEarly'))]}>
        <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} placeholder={t('plans.atReveal')} />
      </Form.Item>
      {later && (
        <Form.Item name="publishBasis" label={t('plans.publishBasis')} rules={basis}>
          <Input.TextArea rows={2} maxLength={500} />
        </Form.Item>
      )}
    </Section>
  );
}

const afterTheEnd = (message: string) => ({ getFieldValue }: Pick<FormInstance<unknown>, 'getFieldValue'>) => ({
  validator: (_: unknown, value: PlanForm['publishAfter']) => {
    const end = getFieldValue('endDate') as PlanForm['endDate'] | undefined;
    return value && end && !value.isAfter(end, 'day') ? Promise.reject(new Error(message)) : Promise.resolve();
  },
});

/** What the plan foresees beyond its own draw (art. 14, 17). */
export function ForeseenFields() {
  const { t } = useI18n();
  return (
    <Section title={t('plans.foresees')} lead={t('plans.foreseesLead')}>
      <Form.Item name="foreseesSupplementary" label={t('plans.supplementary')} extra={t('plans.supplementaryHint')}>
        <Input maxLength={500} placeholder={t('field.none')} />
      </Form.Item>
      <Form.Item name="secondVisitReason" label={t('plans.secondVisit')}>
        <Input maxLength={500} placeholder={t('field.none')} />
      </Form.Item>
      <CountyRows />
    </Section>
  );
}

/** What is approved although the registers are small, each with its reason (art. 14-16). */
export function ExceptionFields() {
  const { t, tEnum } = useI18n();
  const chosen = Form.useWatch('exceptionKinds', Form.useFormInstance<PlanForm>());
  return (
    <>
      <Form.Item name="exceptionKinds" label={t('plans.exception')} extra={t('plans.exceptionHint')}>
        <Select mode="multiple" placeholder={t('field.none')} options={exceptionKinds.map((kind) => ({ value: kind, label: tEnum('plans.exception.', kind) }))} />
      </Form.Item>
      {exceptionKinds
        .filter((kind) => chosen?.includes(kind))
        .map((kind) => (
          <Form.Item
            key={kind}
            name={['exceptionReasons', kind]}
            label={t('plans.exceptionReason', { kind: tEnum('plans.exception.', kind) })}
            rules={[{ required: true, whitespace: true, min: 2, message: t('plans.exceptionReasonWanted') }]}
          >
            <Input.TextArea rows={2} maxLength={500} />
          </Form.Item>
        ))}
    </>
  );
}

function CountyRows() {
  const { t, lang } = useI18n();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const form = Form.useFormInstance<PlanForm>();
  const districts = Form.useWatch('districts', form);
  const units = Form.useWatch('countyUnits', form);
  const scope = districts && districts.length > 0 ? districts : districtCodes;
  const taken = new Set(units?.map((unit: PlanForm['countyUnits'][number] | undefined) => unit?.district));
  const required = [{ required: true, message: t('field.required') }];
  return (
    <Form.Item label={t('plans.counties')} extra={t('plans.countiesHint')}>
      <Form.List name="countyUnits">
        {(rows, { add, remove }) => (
          <>
            {rows.map((row) => {
              const here = units?.[row.name]?.district;
              return (
                <div key={row.key} className="repeat-row repeat-pair">
                  <Form.Item name={[row.name, 'district']} rules={required}>
                    <Select aria-label={t('plans.district')} options={scope.filter((code) => code === here || !taken.has(code)).map((code) => ({ value: code, label: districtName(code, lang) }))} />
                  </Form.Item>
                  <Form.Item name={[row.name, 'organisation']} rules={required}>
                    <Select aria-label={t('plans.teamUnit')} placeholder={t('plans.teamUnit')} options={organisations.filter((one) => one.enforcing).map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
                  </Form.Item>
                  <Button type="text" icon={<DeleteOutlined />} aria-label={t('act.remove')} onClick={() => remove(row.name)} />
                </div>
              );
            })}
            {rows.length < scope.length && (
              <Button icon={<PlusOutlined />} onClick={() => add({ district: scope.find((code) => !taken.has(code)), organisation: undefined })}>
                {t('plans.addCounty')}
              </Button>
            )}
          </>
        )}
      </Form.List>
    </Form.Item>
  );
}

/** The same on the plan's page. */
export function useShapeFacts(plan: Plan): readonly (readonly [name: string, value: string])[] {
  const { t, tEnum, lang } = useI18n();
  const titleOf = useOrganisationTitle();
  const comma = lang === 'zh' ? '、' : ', ';
  const experts = plan.experts;
  const specialty = experts?.specialty ? ` (${tEnum('specialty.', experts.specialty)})` : '';
  return [
    [t('plans.experts'), experts ? t('plans.expertText', { n: experts.count }) + specialty : ''],
    [t('plans.withheld'), plan.withheld ? plan.withheld.files.map((file) => tEnum('plans.table.', file)).join(comma) : ''],
    [t('plans.withheldBasis'), plan.withheld?.basis ?? ''],
    [t('plans.registerBasis'), plan.registerBasis],
    [t('plans.classSetting'), plan.classSetting],
    [t('plans.publishAfter'), plan.publishAfter ? formatDay(plan.publishAfter.date, lang) : ''],
    [t('plans.publishBasis'), plan.publishAfter?.basis ?? ''],
    [t('plans.supplementary'), plan.foreseesSupplementary],
    [t('plans.secondVisit'), plan.secondVisitReason],
    [t('plans.counties'), plan.countyUnits.map((unit) => `${districtName(unit.district, lang)} ${titleOf(unit.organisation)}`).join(comma)],
  ];
}

import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, InputNumber, Select } from 'antd';
import { useStratumName } from '../../components/stratum-name';
import { useI18n } from '../../i18n';
import { districtCodes } from '../../lib/districts';
import { byClass, classes, type PlanForm, type QuotaRow, type TeamRow } from '../../lib/plan-form';
import { percentToPpm, wholeNumber } from '../../lib/quota';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';

/** Quotas per stratum: percent or number. */
export function QuotaRows() {
  const { t } = useI18n();
  const stratumName = useStratumName();
  const form = Form.useFormInstance<PlanForm>();
  const stratification = Form.useWatch('stratification', form);
  const whole = stratification === 'STRATIFICATION_WHOLE';
  const classified = byClass(stratification);
  const districts = Form.useWatch('districts', form);
  const quotas = Form.useWatch('quotas', form);
  const codes = districts && districts.length > 0 ? districts : districtCodes;
  const both = stratification === 'STRATIFICATION_DISTRICT_AND_CREDIT_CLASS' ? codes.flatMap((code) => classes.map((one) => `${code}/${one}`)) : [];
  const scope: readonly string[] = classified ? [...classes, ...both] : codes;
  const taken = new Set(quotas?.map((row: QuotaRow | undefined) => row?.stratum));
  return (
    <Form.List name="quotas">
      {(rows, { add, remove }) => (
        <>
          {classified && rows.length === 0 && <p className="muted">{t('plans.classQuotas')}</p>}
          {rows.map((row) => {
            const here = quotas?.[row.name]?.stratum;
            const options = whole
              ? [{ value: 'all', label: t('plans.stratumAll') }]
              : [{ value: '*', label: t(rows.length > 1 || classified ? 'plans.stratumRest' : 'plans.stratumEach') }, ...scope.map((value) => ({ value, label: stratumName(value) }))].filter((one) => one.value === here || !taken.has(one.value));
            return (
              <div key={row.key} className="repeat-row">
                <Form.Item name={[row.name, 'stratum']} label={row.name === 0 ? t('plans.stratum') : undefined} rules={[{ required: true, message: t('field.required') }]}>
                  <Select aria-label={t('plans.stratum')} options={options} disabled={whole} showSearch={{ optionFilterProp: 'label' }} />
                </Form.Item>
                <Form.Item name={[row.name, 'unit']} label={row.name === 0 ? t('plans.amount') : undefined}>
                  <Select
                    aria-label={t('plans.amount')}
                    options={[
                      { value: 'percent', label: t('plans.percent') },
                      { value: 'count', label: t('plans.count') },
                    ]}
                  />
                </Form.Item>
                <Form.Item
                  name={[row.name, 'amount']}
                  label={row.name === 0 ? ' ' : undefined}
                  colon={false}
                  dependencies={[['quotas', row.name, 'unit']]}
                  rules={[
                    ({ getFieldValue }) => ({
                      validator: (_, value: string | undefined) => {
                        const percent = getFieldValue(['quotas', row.name, 'unit']) === 'percent';
                        const good = percent ? percentToPpm(value ?? '') !== null : wholeNumber(value ?? '') !== null;
                        return good ? Promise.resolve() : Promise.reject(new Error(t(percent ? 'plans.percentWrong' : 'plans.countWrong')));
                      },
                    }),
                  ]}
                >
                  <Input inputMode="decimal" aria-label={t('plans.amount')} />
                </Form.Item>
                {(rows.length > 1 || classified) && <Button className={row.name === 0 ? 'row-remove-first' : ''} type="text" icon={<DeleteOutlined />} aria-label={t('act.remove')} onClick={() => remove(row.name)} />}
              </div>
            );
          })}
          {!whole && rows.length < scope.length + 1 && (
            <Button
              icon={<PlusOutlined />}
              onClick={() => add({ stratum: scope.find((one) => !taken.has(one)), unit: 'percent', amount: '5' })}
            >
              {t(classified ? 'plans.addClassQuota' : 'plans.addQuota')}
            </Button>
          )}
        </>
      )}
    </Form.List>
  );
}

/** Which organisations send how many officers. */
export function TeamRows() {
  const { t } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const form = Form.useFormInstance<PlanForm>();
  const teams = Form.useWatch('teams', form);
  const taken = new Set(teams?.map((team: TeamRow | undefined) => team?.organisation));
  const sending = organisations.filter((one) => one.enforcing || one.name === me.organisation || taken.has(one.name));
  return (
    <Form.List
      name="teams"
      rules={[
        {
          validator: (_, rows: (TeamRow | undefined)[]) => {
            const sum = rows.reduce((all, row) => all + (row?.size ?? 0), 0);
            return sum >= 2 ? Promise.resolve() : Promise.reject(new Error(t('plans.teamsSmall')));
          },
        },
      ]}
    >
      {(rows, { add, remove }, { errors }) => (
        <>
          {rows.map((row) => {
            const here = teams?.[row.name]?.organisation;
            return (
              <div key={row.key} className="repeat-row">
                <Form.Item name={[row.name, 'organisation']} label={row.name === 0 ? t('plans.teamUnit') : undefined} rules={[{ required: true, message: t('field.required') }]}>
                  <Select
                    aria-label={t('plans.teamUnit')}
                    options={sending.filter((one) => one.name === here || !taken.has(one.name)).map((one) => ({ value: one.name, label: titleOf(one.name) }))}
                    showSearch={{ optionFilterProp: 'label' }}
                  />
                </Form.Item>
                <Form.Item name={[row.name, 'size']} label={row.name === 0 ? t('plans.teamSize') : undefined} rules={[{ required: true, message: t('field.required') }]}>
                  <InputNumber aria-label={t('plans.teamSize')} min={1} max={20} precision={0} className="wide" />
                </Form.Item>
                <Form.Item name={[row.name, 'specialty']} label={row.name === 0 ? t('plans.teamSpecialty') : undefined}>
                  <Input aria-label={t('plans.teamSpecialty')} maxLength={64} placeholder={t('field.none')} />
                </Form.Item>
                {rows.length > 1 && <Button className={row.name === 0 ? 'row-remove-first' : ''} type="text" icon={<DeleteOutlined />} aria-label={t('act.remove')} onClick={() => remove(row.name)} />}
              </div>
            );
          })}
          <Form.ErrorList errors={errors} />
          <p className="row-add">
            <Button icon={<PlusOutlined />} onClick={() => add({ organisation: undefined, size: 1, specialty: '' })}>
              {t('plans.addTeam')}
            </Button>
          </p>
        </>
      )}
    </Form.List>
  );
}

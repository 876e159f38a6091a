import { Alert, App, Button, Checkbox, DatePicker, Form, Input, InputNumber, Radio, Select, Spin } from 'antd';
import { useState } from 'react';
import { Link, Navigate, useNavigate, useParams } from 'react-router';
import { call, serverNow } from '../../api/client';
import type { Plan, PlanKind, Stratification } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { enterTakesDate } from '../../components/enter-in-pickers';
import { ErrorPanel } from '../../components/error-panel';
import { useFieldRefusals } from '../../components/field-refusals';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { PageHead, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n, type TextKey } from '../../i18n';
import { today } from '../../lib/dates';
import { districtCodes, districtName } from '../../lib/districts';
import { lastPart } from '../../lib/names';
import { firstQuotas, formToPlan, newPlanForm, planToForm, type PlanForm } from '../../lib/plan-form';
import { useMe } from '../../session';
import { ItemTerms } from './item-terms';
import { itemTitle, publishedItems } from './item-titles';
import { QuotaRows, TeamRows } from './rows';
import { ExceptionFields, ExpertFields, ForeseenFields, PublicationFields } from './shape';

const kinds: readonly PlanKind[] = ['PLAN_KIND_ANNUAL', 'PLAN_KIND_SPECIAL', 'PLAN_KIND_JOINT'];
const stratifications: readonly Stratification[] = ['STRATIFICATION_DISTRICT', 'STRATIFICATION_WHOLE', 'STRATIFICATION_CREDIT_CLASS', 'STRATIFICATION_DISTRICT_AND_CREDIT_CLASS'];

/** Drafting a plan, or changing a draft (art. 14). */
export default function PlanEdit() {
  const { id } = useParams();
  const name = id ? `plans/${id}` : '';
  const { data, error, reload } = useLoad<Plan | null>(name, (signal) => (name ? call('Plans.GetPlan', { name }, signal) : Promise.resolve(null)));
  if (error && data === undefined) return <LoadFailed error={error} onRetry={reload} />;
  if (data === undefined) return <Spin className="page-spin" />;
  // What was submitted or published is no longer written in.
  if (data && data.state !== 'PLAN_STATE_DRAFT') return <Navigate to={`/plans/${lastPart(data.name)}`} replace />;
  return <PlanFormPage key={data?.name ?? 'new'} plan={data} reload={reload} />;
}

/** What of a plan its form shows, by the labels of its fields. */
const labels: readonly (readonly [keyof ReturnType<typeof formToPlan>, TextKey])[] = [
  ['title', 'plans.name'],
  ['kind', 'plans.kind'],
  ['year', 'plans.year'],
  ['items', 'plans.items'],
  ['startDate', 'plans.startDate'],
  ['endDate', 'plans.endDate'],
  ['method', 'plans.method'],
  ['frequency', 'plans.frequency'],
  ['districts', 'plans.districts'],
  ['stratification', 'plans.stratification'],
  ['quotas', 'plans.quotas'],
  ['teams', 'plans.teams'],
  ['coverDistrict', 'plans.coverDistrict'],
];

/** What two drafts of a plan differ in, by label; what has no label of its own is told last, as one. */
function differences(mine: PlanForm, saved: Plan, rest: TextKey): readonly TextKey[] {
  const [left, right] = [formToPlan(mine), formToPlan(planToForm(saved))];
  const differs = (key: keyof typeof left) => JSON.stringify(left[key]) !== JSON.stringify(right[key]);
  const known = new Set(labels.map(([key]) => key));
  const others = (Object.keys(right) as (keyof typeof right)[]).filter((key) => !known.has(key));
  return [...labels.filter(([key]) => differs(key)).map(([, label]) => label), ...(others.some(differs) ? [rest] : [])];
}

function PlanFormPage({ plan, reload }: { plan: Plan | null; reload: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [form] = Form.useForm<PlanForm>();
  const { busy, error, run, clear } = useAct();
  // What was read when the writing began; somebody else's change is taken over by a decision, never by itself.
  const [base, setBase] = useState(plan);
  const changed = plan !== null && base !== null && plan.etag !== base.etag;
  const beside = useFieldRefusals(form, error, { publish_after: 'publishAfter', withheld: 'withheldFiles', 'withheld.files': 'withheldFiles', 'withheld.basis': 'withheldBasis', 'publish_after.date': 'publishAfter', 'publish_after.basis': 'publishBasis', 'experts.count': 'expertCount', 'experts.specialty': 'expertSpecialty', exceptions: 'exceptionKinds' });
  const parent = plan?.organisation ?? me.organisation;
  const items = useLoad(`items/${parent}`, (signal) => publishedItems(parent, signal));
  const plannable = items.data?.filter((item) => item.randomListed);
  const chosen = new Set(Form.useWatch('items', form));
  const chosenItems = plannable?.filter((item) => chosen.has(item.name)) ?? [];
  const required = [{ required: true, message: t('field.required') }];
  const text = [{ required: true, whitespace: true, message: t('field.required') }];

  const save = async (values: PlanForm) => {
    const content = formToPlan(values);
    await run([base?.name, base?.etag, content], async (requestId) => {
      const saved = base
        ? await call('Plans.UpdatePlan', { plan: { ...content, name: base.name, organisation: base.organisation, etag: base.etag }, requestId })
        : await call('Plans.CreatePlan', { plan: { ...content, organisation: me.organisation }, requestId });
      void message.success(t('plans.saved'));
      await navigate(`/plans/${lastPart(saved.name)}`);
    });
  };

  const settle = () => {
    setBase(plan);
    clear();
  };
  const take = () => {
    if (plan) form.setFieldsValue(planToForm(plan));
    settle();
  };

  return (
    <>
      <PageHead title={t(plan ? 'plans.edit' : 'plans.new')} lead={plan ? lastPart(plan.name) : t('plans.lead')} />
      <Form<PlanForm>
        form={form}
        name="plan"
        layout="vertical"
        className="form"
        onKeyDown={enterTakesDate}
        initialValues={plan ? planToForm(plan) : newPlanForm(me.organisation, today(serverNow()))}
        onFinish={(values) => void save(values)}
        scrollToFirstError={{ focus: true }}
        onValuesChange={(changed: Partial<PlanForm>) => {
          if (changed.stratification) form.setFieldValue('quotas', firstQuotas(changed.stratification));
        }}
      >
        <Section title={t('plans.content')}>
          <Form.Item name="title" label={t('plans.name')} rules={text}>
            <Input maxLength={200} />
          </Form.Item>
          <div className="form-row">
            <Form.Item name="kind" label={t('plans.kind')} rules={required}>
              <Select options={kinds.map((value) => ({ value, label: tEnum('plans.kind.', value) }))} />
            </Form.Item>
            <Form.Item name="year" label={t('plans.year')} rules={required}>
              <InputNumber min={2020} max={2100} precision={0} className="wide" />
            </Form.Item>
          </div>
          <Form.Item name="items" label={t('plans.items')} rules={required} extra={plannable?.length === 0 ? <Link to="/items">{t('plans.noItems')}</Link> : t('plans.itemsHint')}>
            <Select
              mode="multiple"
              loading={items.loading}
              options={plannable?.map((item) => ({ value: item.name, label: `${item.code} ${itemTitle(item)}` })) ?? []}
              showSearch={{ optionFilterProp: 'label' }}
              maxTagTextLength={40}
            />
          </Form.Item>
          {items.error && <ErrorPanel error={items.error} onRetry={items.reload} loading />}
          {chosenItems.length > 0 && (
            <div className="seen">
              <p className="muted">{t('plans.itemTerms')}</p>
              <ul className="plain-list">
                {chosenItems.map((item) => (
                  <li key={item.name}>
                    {item.code} {itemTitle(item)}
                    <ItemTerms item={item} />
                  </li>
                ))}
              </ul>
            </div>
          )}
          <div className="form-row">
            <Form.Item name="startDate" label={t('plans.startDate')} rules={required}>
              <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} allowClear={false} />
            </Form.Item>
            <Form.Item
              name="endDate"
              label={t('plans.endDate')}
              dependencies={['startDate']}
              rules={[
                ...required,
                ({ getFieldValue }) => ({
                  validator: (_, value: PlanForm['endDate'] | undefined) => {
                    const start = getFieldValue('startDate') as PlanForm['startDate'] | undefined;
                    return value && start && value.isBefore(start, 'day') ? Promise.reject(new Error(t('plans.datesWrong'))) : Promise.resolve();
                  },
                }),
              ]}
            >
              <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} allowClear={false} />
            </Form.Item>
          </div>
          <div className="form-row">
            <Form.Item name="method" label={t('plans.method')} rules={text}>
              <Input maxLength={100} />
            </Form.Item>
            <Form.Item name="frequency" label={t('plans.frequency')} rules={text}>
              <Input maxLength={100} />
            </Form.Item>
          </div>
        </Section>
        <Section title={t('plans.quotas')} lead={t('plans.quotaHint')}>
          <Form.Item name="districts" label={t('plans.districts')}>
            <Select mode="multiple" placeholder={t('plans.districtsAll')} options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} showSearch={{ optionFilterProp: 'label' }} />
          </Form.Item>
          <Form.Item name="stratification" label={t('plans.stratification')}>
            <Radio.Group options={stratifications.map((value) => ({ value, label: tEnum('plans.stratification.', value) }))} />
          </Form.Item>
          <QuotaRows />
        </Section>
        <Section title={t('plans.teams')} lead={t('plans.teamsHint')}>
          <TeamRows />
          <ExpertFields />
          <Form.Item name="coverDistrict" valuePropName="checked" noStyle>
            <Checkbox>{t('plans.coverDistrict')}</Checkbox>
          </Form.Item>
        </Section>
        <PublicationFields />
        <ForeseenFields />
        <Section>
          <ExceptionFields />
          {error && <ErrorPanel error={error} beside={beside} onRetry={error.stale && !changed ? reload : undefined} />}
          {changed && <Changed mine={form.getFieldsValue(true) as PlanForm} saved={plan} onKeep={settle} onTake={take} />}
          <div className="form-acts">
            <Button type="primary" htmlType="submit" loading={busy}>
              {t('act.save')}
            </Button>
            <LinkButton to={plan ? `/plans/${lastPart(plan.name)}` : '/plans'}>{t('act.cancel')}</LinkButton>
          </div>
        </Section>
      </Form>
    </>
  );
}

/** Somebody else saved the draft meanwhile: what differs, and whose words go on. */
function Changed({ mine, saved, onKeep, onTake }: { mine: PlanForm; saved: Plan; onKeep: () => void; onTake: () => void }) {
  const { t, lang } = useI18n();
  const fields = differences(mine, saved, 'plans.otherFields').map((label) => t(label)).join(lang === 'zh' ? '、' : ', ');
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={t('plans.changedTitle')}
      description={
        <>
          <p>{fields ? t('plans.changedFields', { fields }) : t('plans.changedNothing')}</p>
          <div className="form-acts">
            <Button onClick={onKeep}>{t('plans.keepMine')}</Button>
            <Button onClick={onTake}>{t('plans.takeTheirs')}</Button>
          </div>
        </>
      }
    />
  );
}

import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { App, Button, Checkbox, Form, Input, InputNumber, Select, Spin } from 'antd';
import { Navigate, useNavigate, useParams } from 'react-router';
import { call } from '../../api/client';
import type { CheckEntry, Item, ItemGrade } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { useFieldRefusals } from '../../components/field-refusals';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { NotForYou } from '../../components/not-for-you';
import { PageHead, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { pathBelow } from '../../lib/names';
import { useMe } from '../../session';

const grades: readonly ItemGrade[] = ['ITEM_GRADE_UNSPECIFIED', 'ITEM_GRADE_GENERAL', 'ITEM_GRADE_KEY'];
const texts = ['legalBasis', 'inspectingBody', 'subjectScope', 'ratio', 'frequency', 'method', 'officerDemand', 'remark'] as const;
const people = ['leader', 'undertakingUnit', 'handler'] as const;

interface Values extends Pick<Item, 'code' | 'title' | 'subTitle' | 'grade' | 'randomListed' | (typeof texts)[number] | (typeof people)[number]> {
  checklist: CheckEntry[];
  ratioPercentMax: number | null;
  visitsPerYearMax: number | null;
  publishWithinWorkdays: number | null;
  withheld: boolean;
  publicationBasis: string;
}

const blank: Values = {
  code: '', title: '', subTitle: '', grade: 'ITEM_GRADE_GENERAL', randomListed: false, legalBasis: '', inspectingBody: '', subjectScope: '', ratio: '', frequency: '', method: '', officerDemand: '', remark: '',
  leader: '', undertakingUnit: '', handler: '', checklist: [], ratioPercentMax: null, visitsPerYearMax: null, publishWithinWorkdays: null, withheld: false, publicationBasis: '',
};

function toForm({ listing, ...item }: Item): Values {
  return {
    ...blank,
    ...item,
    ratioPercentMax: listing?.ratioPercentMax || null,
    visitsPerYearMax: listing?.visitsPerYearMax || null,
    publishWithinWorkdays: listing?.publishWithinWorkdays || null,
    withheld: listing?.withheld ?? false,
    publicationBasis: listing?.publicationBasis ?? '',
  };
}

function toItem({ ratioPercentMax, visitsPerYearMax, publishWithinWorkdays, withheld, publicationBasis, ...item }: Values) {
  const listing = { ratioPercentMax: ratioPercentMax ?? 0, visitsPerYearMax: visitsPerYearMax ?? 0, publishWithinWorkdays: publishWithinWorkdays ?? 0, withheld, publicationBasis };
  return item.randomListed ? { ...item, listing } : item;
}

/** Writing an item by hand, or changing a draft or a revision (art. 7-9, 12). */
export default function ItemEdit() {
  const { t } = useI18n();
  const me = useMe();
  const { organisation, id } = useParams();
  const name = id ? `organisations/${organisation ?? ''}/items/${id}` : '';
  const { data, error, reload } = useLoad<Item | null>(name, (signal) => (name ? call('Catalog.GetItem', { name }, signal) : Promise.resolve(null)));
  if (!me.may('Catalog.UpdateItem')) return <NotForYou title={t('items.edit')} method="Catalog.UpdateItem" />;
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (data === undefined) return <Spin className="page-spin" />;
  // What is published or retired is not written in.
  if (data && data.state !== 'ITEM_STATE_DRAFT' && data.state !== 'ITEM_STATE_REVISING') return <Navigate to={pathBelow('items', data.name)} replace />;
  return <ItemForm key={data?.etag ?? 'new'} item={data} reload={reload} />;
}

function ItemForm({ item, reload }: { item: Item | null; reload: () => void }) {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [form] = Form.useForm<Values>();
  const { busy, error, run } = useAct();
  const beside = useFieldRefusals(form, error, { 'listing.ratio_percent_max': 'ratioPercentMax', 'listing.visits_per_year_max': 'visitsPerYearMax', 'listing.publish_within_workdays': 'publishWithinWorkdays', 'listing.publication_basis': 'publicationBasis', listing: 'randomListed', ALREADY_EXISTS: 'title' });
  const listed = Form.useWatch('randomListed', { form, preserve: true });
  const needed = [{ required: true, whitespace: true, message: t('field.required') }];

  const save = (values: Values) => {
    const content = toItem({ ...form.getFieldsValue(true), ...values });
    return run([item?.name, item?.etag, content], async (requestId) => {
      const saved = item
        ? await call('Catalog.UpdateItem', { item: { ...content, name: item.name, etag: item.etag }, requestId })
        : await call('Catalog.CreateItem', { parent: me.organisation, item: content, requestId });
      void message.success(t('items.saved'));
      await navigate(pathBelow('items', saved.name));
    });
  };

  return (
    <>
      <PageHead title={t(item ? 'items.edit' : 'items.new')} lead={item ? item.title : t('items.newLead')} />
      <Form<Values> form={form} name="item" layout="vertical" className="form" initialValues={item ? toForm(item) : blank} onFinish={(values) => void save(values)} scrollToFirstError={{ focus: true }}>
        <Section title={t('items.content')}>
          <div className="form-row">
            <Form.Item name="code" label={t('items.code')}>
              <Input maxLength={40} />
            </Form.Item>
            <Form.Item name="grade" label={t('items.grade')}>
              <Select options={grades.map((value) => ({ value, label: tEnum('items.grade.', value) }))} />
            </Form.Item>
          </div>
          <Form.Item name="title" label={t('items.name')} rules={needed}>
            <Input maxLength={200} />
          </Form.Item>
          <Form.Item name="subTitle" label={t('import.field.subTitle')}>
            <Input maxLength={500} />
          </Form.Item>
          {texts.map((field) => (
            <Form.Item key={field} name={field} label={t(`import.field.${field}`)}>
              <Input.TextArea autoSize={{ minRows: 1, maxRows: 8 }} maxLength={field === 'legalBasis' ? 4000 : 500} />
            </Form.Item>
          ))}
        </Section>
        <Section title={t('items.responsible')} lead={t('items.responsibleLead')}>
          <div className="form-row">
            {people.map((field) => (
              <Form.Item key={field} name={field} label={t(`import.field.${field}`)}>
                <Input maxLength={100} />
              </Form.Item>
            ))}
          </div>
        </Section>
        <Section title={t('items.checklist')} lead={t('items.checklistNone')}>
          <Form.List name="checklist">
            {(rows, { add, remove }) => (
              <>
                {rows.map((row) => (
                  <div key={row.key} className="repeat-row">
                    <Form.Item name={[row.name, 'content']} label={row.name === 0 ? t('items.check.content') : undefined} rules={needed}>
                      <Input.TextArea aria-label={t('items.check.content')} autoSize={{ minRows: 1, maxRows: 6 }} maxLength={2000} />
                    </Form.Item>
                    <Form.Item name={[row.name, 'method']} label={row.name === 0 ? t('items.check.method') : undefined}>
                      <Input.TextArea aria-label={t('items.check.method')} autoSize={{ minRows: 1, maxRows: 6 }} maxLength={2000} />
                    </Form.Item>
                    <Form.Item name={[row.name, 'penaltyBasis']} label={row.name === 0 ? t('items.check.penalty') : undefined}>
                      <Input.TextArea aria-label={t('items.check.penalty')} autoSize={{ minRows: 1, maxRows: 6 }} maxLength={2000} />
                    </Form.Item>
                    <Button className={row.name === 0 ? 'row-remove-first' : ''} type="text" icon={<DeleteOutlined />} aria-label={t('act.remove')} onClick={() => remove(row.name)} />
                  </div>
                ))}
                <Button icon={<PlusOutlined />} onClick={() => add({ content: '', method: '', penaltyBasis: '' })} disabled={rows.length >= 100}>
                  {t('items.check.add')}
                </Button>
              </>
            )}
          </Form.List>
        </Section>
        <Section title={t('items.random')} lead={t('items.randomLead')}>
          <Form.Item name="randomListed" valuePropName="checked">
            <Checkbox>{t('items.randomListed')}</Checkbox>
          </Form.Item>
          {listed && (
            <>
              <div className="form-row">
                <Form.Item name="ratioPercentMax" label={t('items.listing.ratioPercentMax')} extra={t('items.listing.noCap')}>
                  <InputNumber min={1} max={100} precision={0} className="wide" />
                </Form.Item>
                <Form.Item name="visitsPerYearMax" label={t('items.listing.visitsPerYearMax')} extra={t('items.listing.noCap')}>
                  <InputNumber min={1} max={366} precision={0} className="wide" />
                </Form.Item>
                <Form.Item name="publishWithinWorkdays" label={t('items.listing.publishWithinWorkdays')} extra={t('items.listing.publishHint')}>
                  <InputNumber min={1} max={250} precision={0} className="wide" />
                </Form.Item>
              </div>
              <Form.Item name="withheld" valuePropName="checked">
                <Checkbox>{t('items.listing.withheld')}</Checkbox>
              </Form.Item>
              <Form.Item name="publicationBasis" label={t('items.listing.publicationBasis')}>
                <Input maxLength={500} />
              </Form.Item>
            </>
          )}
        </Section>
        {error && <ErrorPanel error={error} beside={beside} onRetry={error.stale ? reload : undefined} />}
        <div className="page-acts">
          <LinkButton to={item ? pathBelow('items', item.name) : '/items'}>{t('act.cancel')}</LinkButton>
          <Button type="primary" htmlType="submit" loading={busy}>
            {t('act.save')}
          </Button>
        </div>
      </Form>
    </>
  );
}

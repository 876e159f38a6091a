import { Button, Spin } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/client';
import type { CheckEntry } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { useMe, useOrganisationTitle } from '../../session';
import { PublishItems } from './publish';

/** One item with its checklist (art. 9). */
export default function ItemDetail() {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { organisation = '', id = '' } = useParams();
  const parent = `organisations/${organisation}`;
  const name = `${parent}/items/${id}`;
  const { data, error, reload } = useLoad(name, (signal) => call('Catalog.GetItem', { name }, signal));
  const [publishing, setPublishing] = useState<string[] | null>(null);
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  const draft = data.state === 'ITEM_STATE_DRAFT';
  const columns: Column<CheckEntry>[] = [
    { title: t('items.check.content'), head: true, render: (row) => row.content },
    { title: t('items.check.method'), render: (row) => row.method },
    { title: t('items.check.penalty'), render: (row) => row.penaltyBasis },
  ];
  return (
    <>
      <PageHead title={data.title} state={<StateTag prefix="items.state." value={data.state} />} lead={titleOf(parent)} />
      <div className="next">
        <p>{t(draft ? 'items.next.draft' : 'items.next.published')}</p>
        <div className="next-acts">
          {draft && parent === me.organisation && (me.may('Catalog.PublishItems') ? <Button type="primary" onClick={() => setPublishing([name])}>{t('items.publish')}</Button> : <MayNot method="Catalog.PublishItems" />)}
          {!draft && <a href={`/items/${organisation}/${id}`}>{t('plans.publicPage')}</a>}
        </div>
      </div>
      <Section>
        <Facts
          facts={[
            [t('items.code'), data.code],
            [t('import.field.subTitle'), data.subTitle],
            [t('items.grade'), tEnum('items.grade.', data.grade)],
            [t('items.listed'), t(data.randomListed ? 'items.listedYes' : 'items.listedNo')],
            [t('import.field.legalBasis'), data.legalBasis],
            [t('import.field.inspectingBody'), data.inspectingBody],
            [t('import.field.subjectScope'), data.subjectScope],
            [t('import.field.ratio'), data.ratio],
            [t('import.field.frequency'), data.frequency],
            [t('import.field.method'), data.method],
            [t('import.field.officerDemand'), data.officerDemand],
            [t('import.field.remark'), data.remark],
          ]}
        />
      </Section>
      <Section title={t('items.checklist')}>
        {data.checklist.length > 0 ? <Table label={t('items.checklist')} columns={columns} rows={data.checklist} rowKey={(row) => String(data.checklist.indexOf(row))} /> : <p className="muted">{t('items.checklistNone')}</p>}
      </Section>
      <PublishItems parent={parent} names={publishing} onClose={() => setPublishing(null)} onDone={reload} />
    </>
  );
}

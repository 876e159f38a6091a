import { App, Button, Spin } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/client';
import type { CheckEntry } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useI18n, type TextKey } from '../../i18n';
import { useMe, useOrganisationTitle } from '../../session';
import { PublishItems } from './publish';
import { ItemVersionList } from './versions';

type Verb = 'revise' | 'withdraw' | 'retire';

const verbs: Record<Verb, { verb: TextKey; ask: TextKey; done: TextKey; danger: boolean; reason: boolean }> = {
  revise: { verb: 'items.revise', ask: 'items.reviseAsk', done: 'items.revised', danger: false, reason: true },
  withdraw: { verb: 'items.withdraw', ask: 'items.withdrawAsk', done: 'items.withdrawn', danger: false, reason: false },
  retire: { verb: 'items.retire', ask: 'items.retireAsk', done: 'items.retired', danger: true, reason: true },
};

/** One item with its checklist (art. 9). */
export default function ItemDetail() {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { organisation = '', id = '' } = useParams();
  const parent = `organisations/${organisation}`;
  const name = `${parent}/items/${id}`;
  const { message } = App.useApp();
  const { data, error, reload, set } = useLoad(name, (signal) => call('Catalog.GetItem', { name }, signal));
  const [publishing, setPublishing] = useState<string[] | null>(null);
  const [asked, setAsked] = useState<Verb | null>(null);
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  const own = parent === me.organisation;
  const revising = data.state === 'ITEM_STATE_REVISING';
  const published = data.state === 'ITEM_STATE_PUBLISHED';
  const written = data.state === 'ITEM_STATE_DRAFT' || revising;
  const next = { ITEM_STATE_DRAFT: 'items.next.draft', ITEM_STATE_PUBLISHED: 'items.next.published', ITEM_STATE_REVISING: 'items.next.revising', ITEM_STATE_RETIRED: 'items.next.retired', ITEM_STATE_UNSPECIFIED: 'items.next.published' } as const;
  const listing = data.listing;
  const { etag } = data;
  const act = (verb: Verb, requestId: string, reason: string) => {
    switch (verb) {
      case 'revise':
        return call('ItemVersions.ReviseItem', { name, etag, reason, requestId });
      case 'withdraw':
        return call('ItemVersions.WithdrawItemRevision', { name, etag, requestId });
      case 'retire':
        return call('ItemVersions.RetireItem', { name, etag, reason, requestId });
    }
  };
  const columns: Column<CheckEntry>[] = [
    { title: t('items.check.content'), head: true, render: (row) => row.content },
    { title: t('items.check.method'), render: (row) => row.method },
    { title: t('items.check.penalty'), render: (row) => row.penaltyBasis },
  ];
  return (
    <>
      <PageHead title={data.title} state={<StateTag prefix="items.state." value={data.state} />} lead={titleOf(parent)} />
      <div className="next">
        <p>{t(next[data.state], { n: data.version })}</p>
        <div className="next-acts">
          {written && own && (me.may('Catalog.PublishItems') ? <Button type="primary" onClick={() => setPublishing([name])}>{t(revising ? 'items.publishRevision' : 'items.publish')}</Button> : <MayNot method="Catalog.PublishItems" what={t('items.publish')} />)}
          {written && own && me.may('Catalog.UpdateItem') && <LinkButton to="edit">{t('act.edit')}</LinkButton>}
          {published && own && me.may('ItemVersions.ReviseItem') && <Button onClick={() => setAsked('revise')}>{t('items.revise')}</Button>}
          {revising && <LinkButton to="compare">{t('items.compareRevision')}</LinkButton>}
          {revising && own && me.may('ItemVersions.WithdrawItemRevision') && <Button onClick={() => setAsked('withdraw')}>{t('items.withdraw')}</Button>}
          {revising && own && me.may('ItemVersions.RetireItem') && <Button danger onClick={() => setAsked('retire')}>{t('items.retire')}</Button>}
          {data.version !== '0' && <a href={`/items/${organisation}/${id}`}>{t('plans.publicPage')}</a>}
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
            [t('import.field.leader'), data.leader],
            [t('import.field.undertakingUnit'), data.undertakingUnit],
            [t('import.field.handler'), data.handler],
            [t('items.listing.ratioPercentMax'), listing?.ratioPercentMax ? `${listing.ratioPercentMax}%` : ''],
            [t('items.listing.visitsPerYearMax'), listing?.visitsPerYearMax || ''],
            [t('items.listing.publishWithinWorkdays'), listing?.publishWithinWorkdays || ''],
            [t('items.listing.withheld'), listing?.withheld ? t('field.yes') : ''],
            [t('items.listing.publicationBasis'), listing?.publicationBasis ?? ''],
            [t('items.version'), data.version === '0' ? '' : t('items.versionNo', { n: data.version })],
            [t('items.changeReason'), data.changeReason],
          ]}
        />
      </Section>
      <Section title={t('items.checklist')}>
        {data.checklist.length > 0 ? <Table label={t('items.checklist')} columns={columns} rows={data.checklist} rowKey={(row) => String(data.checklist.indexOf(row))} /> : <p className="muted">{t('items.checklistNone')}</p>}
      </Section>
      <ItemVersionList item={data} />
      {asked && (
        <Confirm
          open
          title={t(verbs[asked].verb)}
          okText={t(verbs[asked].verb)}
          danger={verbs[asked].danger}
          reason={verbs[asked].reason}
          content={[name, etag]}
          onClose={() => setAsked(null)}
          onReload={reload}
          act={async (requestId, reason) => {
            set(await act(asked, requestId, reason));
            void message.success(t(verbs[asked].done));
          }}
        >
          <p>{t(verbs[asked].ask, { n: data.version })}</p>
        </Confirm>
      )}
      <PublishItems parent={parent} names={publishing} onClose={() => setPublishing(null)} onDone={reload} />
    </>
  );
}

import { UploadOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Item, ItemState } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { lastPart, pathBelow } from '../../lib/names';
import { useMe } from '../../session';
import { PublishItems } from './publish';

const states: readonly ItemState[] = ['ITEM_STATE_DRAFT', 'ITEM_STATE_PUBLISHED', 'ITEM_STATE_REVISING', 'ITEM_STATE_RETIRED'];

/** Supervision items (art. 7-9, 12). */
export default function Items() {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const own = parent === me.organisation;
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [publishing, setPublishing] = useState<string[] | null>(null);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Catalog.ListItems', { parent, query: state.get('q'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.items, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const mayPublish = me.may('Catalog.PublishItems') && own;

  const columns: Column<Item>[] = [
    { title: t('items.code'), sort: 'code', nowrap: true, render: (row) => row.code, csv: (row) => row.code },
    {
      title: t('items.name'),
      sort: 'title',
      head: true,
      render: (row) => (
        <span>
          <Link to={pathBelow('items', row.name)}>{row.title}</Link>
          {row.subTitle && <span className="muted"> {row.subTitle}</span>}
        </span>
      ),
      csv: (row) => row.title,
    },
    { title: t('import.field.subjectScope'), render: (row) => row.subjectScope, csv: (row) => row.subjectScope },
    { title: t('items.grade'), sort: 'grade', nowrap: true, render: (row) => tEnum('items.grade.', row.grade), csv: (row) => tEnum('items.grade.', row.grade) },
    { title: t('items.listed'), nowrap: true, render: (row) => t(row.randomListed ? 'items.listedYes' : 'items.listedNo'), csv: (row) => t(row.randomListed ? 'items.listedYes' : 'items.listedNo') },
    { title: t('field.state'), render: (row) => <StateTag prefix="items.state." value={row.state} />, csv: (row) => tEnum('items.state.', row.state) },
  ];

  return (
    <>
      <PageHead title={t('items.title')} lead={t('items.lead')}>
        {me.may('Catalog.CreateItem') && <LinkButton to="/items/new">{t('items.new')}</LinkButton>}
        <LinkButton to="/items/imports">{t('subjects.imports')}</LinkButton>
        {me.may('Catalog.ImportItems') && (
          <LinkButton type="primary" icon={<UploadOutlined />} to="/items/upload">{t('items.import')}</LinkButton>
        )}
        {mayPublish ? (
          <Button type="primary" onClick={() => setPublishing([...chosen])}>
            {chosen.size > 0 ? t('items.publishSelected', { n: chosen.size }) : t('items.publishAll')}
          </Button>
        ) : (
          own && <MayNot method="Catalog.PublishItems" what={t('items.publish')} />
        )}
      </PageHead>
      <List
        label={t('items.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="code"
        empty={t('items.empty')}
        csv={{ fileName: `items-${lastPart(parent)}.csv`, page }}
        selection={mayPublish ? { chosen, onChange: setChosen, can: (row) => row.state === 'ITEM_STATE_DRAFT' || row.state === 'ITEM_STATE_REVISING', name: (row) => row.title } : undefined}
        filters={
          <>
            <SearchBox state={state} placeholder={t('items.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('items.state.', value) }))} width={110} />
          </>
        }
      />
      <PublishItems
        parent={parent}
        names={publishing}
        onClose={() => setPublishing(null)}
        onDone={() => {
          setChosen(new Set());
          loaded.reload();
        }}
      />
    </>
  );
}

import { call } from '../../api/client';
import type { Item } from '../../api/contract/catalog';
import { allRows } from '../../api/pages';

/** More items than any list in use has. */
const itemsMax = 5000;

/** Published items of an organisation. */
export async function publishedItems(parent: string, signal: AbortSignal): Promise<Item[]> {
  const { rows } = await allRows(async (pageToken) => {
    const page = await call('Catalog.ListItems', { parent, state: 'ITEM_STATE_PUBLISHED', pageSize: 1000, pageToken }, signal);
    return { rows: page.items, nextPageToken: page.nextPageToken };
  }, itemsMax);
  return rows;
}

/** Title of an item with its sub-item. */
export function itemTitle(item: Item): string {
  return item.subTitle && item.subTitle !== item.title ? `${item.title} / ${item.subTitle}` : item.title;
}

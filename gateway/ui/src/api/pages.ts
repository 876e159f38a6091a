// Walking all pages of a list, with an edge.

/** One page of a list method. */
export interface Page<Row> {
  rows: Row[];
  nextPageToken: string;
}

/** All rows up to `rowsMax`, and whether there were more. */
export async function allRows<Row>(load: (pageToken: string) => Promise<Page<Row>>, rowsMax: number): Promise<{ rows: Row[]; more: boolean }> {
  const rows: Row[] = [];
  let token = '';
  do {
    const page = await load(token);
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '' && rows.length < rowsMax);
  return { rows: rows.slice(0, rowsMax), more: token !== '' || rows.length > rowsMax };
}

// Every other page, as each role sees it: it loads without complaint, fits a phone, and axe finds nothing.
import { expect, test, type Page } from '@playwright/test';
import { look, phone } from './support/look';
import { enter, openList, press, signOut, visitor, type Visitor } from './support/people';
import { demonstration, type Username } from './support/city';

/** The demonstration's own numbers, which change with the year: PLAN and DRAW stand for them in addresses. */
let plan = '';
let draw = '';

test.beforeAll(async () => {
  ({ plan, draw } = await demonstration());
});

/** Opens an address and waits for its heading. */
async function open(page: Page, address: string, heading: string | RegExp): Promise<void> {
  await page.goto(address.replace('PLAN', plan).replace('DRAW', draw));
  await expect(page.getByRole('heading', { level: 1, name: heading === 'DRAW' ? new RegExp(draw) : heading })).toBeVisible();
}

async function leave({ context, watch }: Visitor): Promise<void> {
  watch.nothing();
  await context.close();
}

test('public pages', async ({ browser }) => {
  const somebody = await visitor(browser);
  const { page, watch } = somebody;
  for (const [name, address, heading] of [
    ['home', '/', /抽/],
    ['draws', '/draws', '抽查'],
    ['draws-none-found', '/draws?q=没有这样的抽查', '抽查'],
    ['draw-of-the-demonstration', '/draws/DRAW', 'DRAW'],
    ['recipe', '/draws/DRAW/recipe', /./],
    ['ceremony', '/draws/DRAW/ceremony', 'DRAW'],
    ['own-line', '/draws/DRAW/own-line', 'DRAW'],
    ['fairness', '/fairness', /./],
    ['witness', '/witness', '抽签见证'],
    ['plans', '/plans', '检查计划'],
    ['plan', '/plans/PLAN', /./],
    ['items', '/items', /事项/],
    ['law', '/law', /开封市/],
    ['about', '/about', /./],
    ['search', '/search?q=食品', /./],
    ['search-none-found', '/search?q=没有这样的东西', /./],
  ] as const) {
    await open(page, address, heading);
    await look(page, `public-${name}`);
  }
  await page.goto('/items');
  await press(page.locator('main a[href^="/items/market/"]').first());
  await look(page, 'public-item');
  watch.expecting(/404 for GET .*\/draws\/9999-9999$/);
  await page.goto('/draws/9999-9999');
  await look(page, 'public-not-found');
  await leave(somebody);
});

test('public pages in large type and in English', async ({ browser }) => {
  const somebody = await visitor(browser);
  const { page } = somebody;
  await page.goto('/');
  await press(page.getByRole('link', { name: '大字版' }));
  await look(page, 'public-home-large-type');
  await press(page.getByRole('link', { name: 'English' }));
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await press(page.getByRole('link', { name: 'Normal type' }));
  await look(page, 'public-home-english');
  await leave(somebody);
});

const pagesOfRoles: readonly (readonly [Username, readonly (readonly [name: string, address: string, heading: string | RegExp])[]])[] = [
  [
    'market-handler',
    [
      ['subjects', '/work/subjects', '检查对象名录库'],
      ['subjects-none-found', '/work/subjects?q=没有这样的企业', '检查对象名录库'],
      ['uploads', '/work/subjects/imports', '上传记录'],
      ['items', '/work/items', '监管事项'],
      ['items-upload', '/work/items/upload', '导入监管事项'],
      ['items-uploads', '/work/items/imports', '上传记录'],
      ['officers', '/work/officers', '执法检查人员名录库'],
      ['plans', '/work/plans', '检查计划'],
      ['plan', '/work/plans/PLAN', /./],
      ['draws', '/work/draws', '抽签'],
      ['draw', '/work/draws/DRAW', 'DRAW'],
      ['visits', '/work/visits', '检查任务'],
      ['recusals', '/work/recusals', '回避申请'],
      ['account', '/work/account', '我的账号'],
      ['organisations', '/work/organisations', '机构'],
      ['not-found', '/work/no-such-page', '没有这个页面'],
    ],
  ],
  [
    'operator',
    [
      ['operator-home', '/work/', /您好/],
      ['operator-users', '/work/users', '用户'],
      ['operator-user-new', '/work/users/new', '登记用户'],
    ],
  ],
  [
    'market-admin',
    [
      ['admin-home', '/work/', /您好/],
      ['admin-conflicts', '/work/conflicts', '利害关系申报'],
    ],
  ],
  [
    'market-officer-01',
    [
      ['officer-home', '/work/', /您好/],
      ['officer-visits', '/work/visits?officer=me', '检查任务'],
      ['officer-recusals', '/work/recusals', '回避申请'],
    ],
  ],
  ['auditor', [['auditor-home', '/work/', /您好/]]],
];

for (const [username, pages] of pagesOfRoles) {
  test(`the work portal of ${username}`, async ({ browser }) => {
    const somebody = await visitor(browser);
    const { page } = somebody;
    await enter(page, username);
    for (const [name, address, heading] of pages) {
      await open(page, address, heading);
      await look(page, `work-${name}`);
    }
    await leave(somebody);
  });
}

test('records of the work portal, its menu on a phone, its projector and its English', async ({ browser }) => {
  const somebody = await visitor(browser);
  const { page } = somebody;
  await enter(page, 'market-handler');
  await page.goto('/work/subjects');
  await press(page.getByRole('table').getByRole('link').first());
  await expect(page.getByText('存续状态').first()).toBeVisible();
  await expect(page.getByRole('table', { name: '变更记录' })).toContainText('首次入库');
  await look(page, 'work-subject');
  await page.goto('/work/items');
  await press(page.getByRole('table').getByRole('link').first());
  await expect(page.getByRole('heading', { name: '检查实施清单' })).toBeVisible();
  await look(page, 'work-item');
  await page.goto('/work/conflicts');
  await press(page.getByRole('button', { name: '申报利害关系' }));
  await press(page.getByRole('dialog').getByRole('button', { name: '申报利害关系' }));
  await expect(page.getByText('此项必填').first()).toBeVisible();
  await look(page, 'work-conflict-incomplete');

  await page.goto(`/work/draws/${draw}`);
  await press(page.getByRole('button', { name: '投影模式' }));
  await look(page, 'work-draw-projected');
  await press(page.getByRole('button', { name: '退出投影' }));

  await press(page.getByRole('button', { name: 'English' }));
  await expect(page.getByRole('heading', { name: `Draw ${draw}` })).toBeVisible();
  await look(page, 'work-draw-english');
  await press(page.getByRole('banner').getByRole('link', { name: /Qingtian/ }));
  await expect(page.getByRole('heading', { name: /Hello/ })).toBeVisible();
  await look(page, 'work-home-english');

  await page.setViewportSize(phone);
  await press(page.getByRole('button', { name: 'Open menu' }));
  await press(page.getByRole('dialog').getByRole('link', { name: 'Draws' }));
  await expect(page).toHaveURL(/\/work\/draws$/);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await leave(somebody);
});

test('with motion too, lists, questions and the menu open and close under a pointer', async ({ browser }) => {
  const somebody = await visitor(browser, { moving: true });
  const { page } = somebody;
  await enter(page, 'market-handler');
  await open(page, '/work/draws', '抽签');
  await expect(page.getByRole('table').getByRole('link').first()).toBeVisible();
  await page.getByRole('combobox', { name: '状态' }).click();
  const list = openList(page);
  await expect(list, 'stands still').not.toHaveClass(/-(appear|enter)\b/);
  await list.getByTitle('已放弃', { exact: true }).click();
  await expect(list).toHaveCount(0);
  await expect(page).toHaveURL(/state=/);

  await open(page, '/work/conflicts', '利害关系申报');
  await press(page.getByRole('button', { name: '申报利害关系' }));
  const question = page.getByRole('dialog');
  await expect(question, 'stands still').not.toHaveClass(/-(appear|enter)\b/);
  await question.getByRole('button', { name: '取消' }).click();
  await expect(question).toHaveCount(0);
  await signOut(page);
  await leave(somebody);
});

// Every other page, as each role sees it: it loads without complaint, fits a phone, and axe finds nothing.
import { expect, test, type Page } from '@playwright/test';
import { look, phone } from './support/look';
import { choose, enter, openList, press, signOut, visitor, type Visitor } from './support/people';
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

type Listed = readonly [name: string, address: string, heading: string | RegExp];

const pagesOfRoles: readonly (readonly [Username, readonly Listed[]])[] = [
  [
    'market-handler',
    [
      ['subjects', '/work/subjects', '检查对象名录库'],
      ['subjects-none-found', '/work/subjects?q=没有这样的企业', '检查对象名录库'],
      ['subjects-upload', '/work/subjects/upload', '上传检查对象名录'],
      ['uploads', '/work/subjects/imports', '上传记录'],
      ['register-changes', '/work/subjects/changes', '名录变更'],
      ['items', '/work/items', '监管事项'],
      ['items-upload', '/work/items/upload', '导入监管事项'],
      ['items-uploads', '/work/items/imports', '上传记录'],
      ['officers', '/work/officers', '执法检查人员名录库'],
      ['experts', '/work/experts', '专家名录库'],
      ['leaves', '/work/leaves', '请假'],
      ['declarations', '/work/declarations', '年度利害关系申报'],
      ['conflicts', '/work/conflicts', '利害关系申报'],
      ['plans', '/work/plans', '检查计划'],
      ['plan', '/work/plans/PLAN', /./],
      ['plan-new', '/work/plans/new', '起草计划'],
      ['draws', '/work/draws', '抽签'],
      ['draw', '/work/draws/DRAW', 'DRAW'],
      ['proof-codes', '/work/draws/DRAW/proof-codes', '本户凭证查询码'],
      ['visits', '/work/visits', '检查任务'],
      ['recusals', '/work/recusals', '回避申请'],
      ['account', '/work/account', '我的账号'],
      ['organisations', '/work/organisations', '机构'],
      ['users-not-for-handlers', '/work/users', '用户'],
      ['not-found', '/work/no-such-page', '没有这个页面'],
    ],
  ],
  [
    'operator',
    [
      ['operator-home', '/work/', /您好/],
      ['operator-users', '/work/users', '用户'],
      ['operator-user-new', '/work/users/new', '登记用户'],
      ['operator-users-none-found', '/work/users?q=没有这个人', '用户'],
      ['operator-organisations', '/work/organisations?order=title%20desc', '机构'],
      ['operator-machines', '/work/machines', '接入系统'],
      ['operator-calendars', '/work/calendars', '工作日历'],
      ['operator-clocks', '/work/clocks', '时限'],
    ],
  ],
  [
    'market-admin',
    [
      ['admin-home', '/work/', /您好/],
      ['admin-users', '/work/users', '用户'],
      ['admin-machines', '/work/machines', '接入系统'],
      ['admin-officers', '/work/officers', '执法检查人员名录库'],
      ['admin-conflicts', '/work/conflicts', '利害关系申报'],
    ],
  ],
  [
    'market-officer-01',
    [
      ['officer-home', '/work/', /您好/],
      ['officer-visits', '/work/visits?officer=me', '检查任务'],
      ['officer-recusals', '/work/recusals', '回避申请'],
      ['officer-leaves', '/work/leaves', '请假'],
      ['officer-declarations', '/work/declarations', '年度利害关系申报'],
      ['officer-conflicts', '/work/conflicts', '利害关系申报'],
    ],
  ],
  [
    'auditor',
    [
      ['auditor-home', '/work/', /您好/],
      ['auditor-experts', '/work/experts', '专家名录库'],
      ['auditor-declarations', '/work/declarations', '年度利害关系申报'],
    ],
  ],
];

/** Whatever of one page has not come by then hangs. */
const pageHangMs = 300_000;

for (const [username, pages] of pagesOfRoles) {
  test(`the work portal of ${username}`, async ({ browser }) => {
    test.setTimeout(pages.length * pageHangMs);
    const somebody = await visitor(browser);
    const { page } = somebody;
    await enter(page, username);
    for (const [name, address, heading] of pages) {
      await open(page, address, heading);
      await look(page, `work-${name}`);
    }
    await leave(somebody);
  });

  test(`the work portal of ${username} in English`, async ({ browser }) => {
    test.setTimeout(pages.length * pageHangMs);
    const somebody = await visitor(browser);
    const { page } = somebody;
    await enter(page, username);
    await press(page.getByRole('button', { name: 'English' }));
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    for (const [name, address, heading] of pages) {
      // What is named in Chinese, such as a plan, keeps its name.
      await open(page, address, typeof heading === 'string' ? /^[^\u4e00-\u9fff]/ : heading.source === '.' ? heading : /Hello/);
      await look(page, `work-${name}-english`);
    }
    await leave(somebody);
  });
}

test('a department’s system is registered, changed over, frozen and retired', async ({ browser }) => {
  const somebody = await visitor(browser);
  const { page } = somebody;
  await enter(page, 'market-admin');
  await open(page, '/work/machines', '接入系统');
  const dialog = page.getByRole('dialog');
  await press(page.getByRole('button', { name: '登记接入系统' }));
  await press(dialog.getByRole('button', { name: '登记接入系统' }));
  await expect(dialog.getByText('此项必填')).toBeVisible();
  await look(page, 'work-machine-incomplete');
  await dialog.getByLabel('用途').fill('网页上登记的系统');
  await dialog.getByLabel('用途').press('Enter');
  const shown = page.getByRole('dialog', { name: '接入系统已登记' });
  await expect(shown.getByRole('button', { name: '复制 密钥' })).toBeVisible();
  await look(page, 'work-machine-secret');
  const first = await shown.locator('code').nth(1).innerText();
  expect(first).toMatch(/^[\w-]{43}$/);
  await press(shown.getByRole('button', { name: '关闭' }));

  await expect(page.getByRole('heading', { level: 1, name: /网页上登记的系统/ })).toBeVisible();
  await press(page.getByRole('button', { name: '轮换密钥' }));
  await expect(dialog.getByText(/旧密钥有效至/)).toBeVisible();
  await look(page, 'work-machine-rotate');
  await press(dialog.getByRole('button', { name: '轮换密钥' }));
  const next = page.getByRole('dialog', { name: '新密钥已生成' });
  await expect(next.getByText('旧密钥有效至')).toBeVisible();
  expect(await next.locator('code').nth(1).innerText()).not.toBe(first);
  await press(next.getByRole('button', { name: '关闭' }));
  await expect(page.getByRole('table', { name: '有效密钥' }).getByRole('row')).toHaveCount(3);
  await look(page, 'work-machine');
  await press(page.getByRole('button', { name: '结束旧密钥' }));
  await press(dialog.getByRole('button', { name: '结束旧密钥' }));
  await expect(page.getByRole('table', { name: '有效密钥' }).getByRole('row')).toHaveCount(2);

  await press(page.getByRole('button', { name: '冻结', exact: true }));
  await press(dialog.getByRole('button', { name: '冻结', exact: true }));
  await expect(dialog.getByText('请至少填写两个字')).toBeVisible();
  await dialog.getByLabel('理由').fill('疑似泄露');
  await press(dialog.getByRole('button', { name: '冻结', exact: true }));
  await expect(page.getByRole('heading', { level: 1 }).getByText('已冻结')).toBeVisible();
  await expect(page.locator('dd').getByText('疑似泄露')).toBeVisible();
  await look(page, 'work-machine-frozen');
  await press(page.getByRole('button', { name: '停用', exact: true }));
  await dialog.getByLabel('理由').fill('系统下线');
  await press(dialog.getByRole('button', { name: '停用', exact: true }));
  await expect(page.getByRole('heading', { level: 1 }).getByText('已停用')).toBeVisible();
  await leave(somebody);
});

test('forms and questions of the registers and the plan', async ({ browser }) => {
  const somebody = await visitor(browser);
  const { page } = somebody;
  await enter(page, 'market-handler');
  const dialog = page.getByRole('dialog');
  for (const [name, address, button, first] of [
    ['leave', '/work/leaves', '登记请假', '执法证号'],
    ['expert', '/work/experts', '登记专家', '专家编号'],
  ] as const) {
    await page.goto(address);
    await press(page.getByRole('button', { name: button }));
    // One that opens a list when it takes the focus is left again, so that nothing covers the button.
    await dialog.getByLabel(first).press('Tab');
    await press(dialog.getByRole('button', { name: button }));
    await expect(dialog.getByText('此项必填').first()).toBeVisible();
    await look(page, `work-${name}-incomplete`);
  }

  await page.goto('/work/subjects?q=餐饮');
  await press(page.getByRole('button', { name: /^变更筛选出的/ }));
  await dialog.getByLabel('理由').fill('登记机关通知歇业');
  await choose(dialog.getByRole('combobox', { name: '改为' }), '歇业');
  await press(dialog.getByRole('button', { name: '预览' }));
  await expect(dialog.getByRole('table', { name: '预览' })).toContainText('餐饮');
  await look(page, 'work-bulk-preview');

  await page.goto('/work/plans/new');
  await page.getByLabel('每组专家人数').fill('1');
  await expect(page.getByLabel('首位专家专长')).toBeVisible();
  await choose(page.getByRole('combobox', { name: '不公开的文件' }), '检查对象名录 subjects.tsv', true);
  await expect(page.getByLabel('不公开的依据')).toBeVisible();
  await press(page.getByRole('button', { name: '增加区县' }));
  await press(page.getByRole('button', { name: '保存' }));
  await expect(page.getByText('此项必填').first()).toBeVisible();
  await look(page, 'work-plan-with-shapes');
  await leave(somebody);
});

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

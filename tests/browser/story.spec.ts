// The walking line, told from sign-in to recheck (articles 9 to 18): a register is uploaded, a plan over it published by
// another person, a draw stated, dice given by two bodies, and what comes out is checked by anybody.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { baseUrl, binary, output, published } from './support/city';
import { look, slowestLookSecs } from './support/look';
import { choose, enter, press, signIn, signOut, visitor, wall, type Visitor } from './support/people';
import { creditCode, csv, gb18030, spoilt } from './support/register';

test.describe.configure({ mode: 'serial' });

const district = '410203';
const districtName = '顺河回族区';
/** From creating the draw to the close of its entries: enough on this machine to look at the four pages on the way, twice. */
let entriesOpenSecs = 60;
const planTitle = '流通领域经营主体专项抽查';

// A city may be used for more than one story: each has its own codes.
const serial = Math.floor(Date.now() / 1000) % 900_000;
const codes = Array.from({ length: 60 }, (_, nth) => creditCode(district, (serial + nth) % 1_000_000));
const at = (nth: number): string => codes[nth] ?? '';

let desk: Visitor;
let supervision: Visitor;
/** The projector in the room: opened once, then nobody touches it. */
let room: Visitor;
let number = '';
let statement = '';
/** Who was drawn, in the order of drawing, as the work portal showed it. */
let drawn: string[] = [];

test.beforeAll(async ({ browser }) => {
  desk = await visitor(browser);
  supervision = await visitor(browser);
  room = await visitor(browser, { moving: true });
});

test.afterEach(() => {
  desk.watch.nothing();
  supervision.watch.nothing();
  room.watch.nothing();
});

test.afterAll(async () => {
  await desk.context.close();
  await supervision.context.close();
  await room.context.close();
});

/** The figure under a name in the report of an upload. */
const figure = (page: Page, name: string) => page.locator('.counts > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd');

async function report(page: Page, figures: Record<string, string>): Promise<void> {
  await expect(page.getByRole('heading', { name: '退回原因' })).toBeVisible();
  for (const [name, value] of Object.entries(figures)) await expect(figure(page, name)).toHaveText(value);
}

test('the handler of the market bureau signs in', async () => {
  const { page, watch } = desk;
  await page.goto('/work/');
  await expect(page.getByRole('heading', { name: '登录工作门户' })).toBeVisible();
  await look(page, 'story-01-sign-in');

  watch.expecting(/401 for POST .*session:signIn$/);
  await page.getByLabel('用户名').fill('market-handler');
  await page.getByLabel('密码', { exact: true }).fill('not the password');
  await press(page.getByRole('button', { name: '登录', exact: true }));
  await expect(page.getByRole('alert')).toContainText('WRONG_PASSWORD');
  await look(page, 'story-02-sign-in-refused');

  await signIn(page, 'market-handler');
  await expect(page.getByRole('heading', { name: /您好/ })).toBeVisible();
  await look(page, 'story-03-home-of-the-handler');
});

test('a register in UTF-8 goes in, and every bad row is returned with its reason', async () => {
  const { page } = desk;
  await press(page.getByRole('link', { name: '检查对象名录' }));
  await press(page.getByRole('link', { name: '上传名录' }));
  await look(page, 'story-04-upload-choose');

  const good = codes.slice(0, 40).map((code, nth) => [`顺河第${serial + nth}商行`, code]);
  const rows = [['企业名称', '统一社会信用代码'], ...good, ['校验位错误商行', spoilt(at(50))], ['重复的商行', at(0)], ['=1+1', at(51)]];
  await page.locator('input[type=file]').setInputFiles({ name: '顺河区名录.csv', mimeType: 'text/csv', buffer: Buffer.from(csv(rows)) });
  await expect(page.getByRole('region', { name: '文件开头' })).toContainText(at(0));
  await expect(page.getByText('UTF-8')).toBeVisible();
  await choose(page.getByRole('combobox', { name: '默认行政区划' }), districtName);
  await look(page, 'story-05-upload-columns');

  await press(page.getByRole('button', { name: '开始上传' }));
  await report(page, { 读取行数: '43', 新增: '40', 退回: '3' });
  const problems = page.getByRole('table', { name: '退回原因' });
  await expect(problems.getByRole('row').filter({ hasText: spoilt(at(50)) })).toContainText(/42.*(校验|CHECK)/);
  await look(page, 'story-06-upload-report');

  const [download] = await Promise.all([page.waitForEvent('download'), press(page.getByRole('link', { name: '下载完整报告' }))]);
  const file = output('register-report.csv');
  await download.saveAs(file);
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(4);
});

test('a register in GB18030 goes in by a column map made by hand', async () => {
  const { page } = desk;
  await press(page.getByRole('button', { name: '再传一个文件' }));
  // A name with a character that takes four bytes, as names of people in business do.
  const good = codes.slice(40, 50).map((code, nth) => [code, `㐱记第${serial + nth}商行`, '在业']);
  const rows = [['证照', '字号', '其他'], ...good, [at(0), `顺河第${serial}商行`, '']];
  await page.locator('input[type=file]').setInputFiles({ name: '老系统导出.csv', mimeType: 'text/csv', buffer: gb18030(csv(rows)) });
  await expect(page.getByText('GB18030')).toBeVisible();
  await expect(page.getByRole('region', { name: '文件开头' })).toContainText(`㐱记第${serial}商行`);

  await press(page.getByRole('button', { name: '开始上传' }));
  await expect(page.getByText('此项必填').first()).toBeVisible();
  await look(page, 'story-07-upload-columns-missing');

  await choose(page.getByRole('combobox', { name: '统一社会信用代码 / 注册号' }), '证照');
  await choose(page.getByRole('combobox', { name: '名称', exact: true }), '字号');
  await press(page.getByRole('button', { name: '开始上传' }));
  await report(page, { 读取行数: '11', 新增: '10', 未变: '1', 退回: '0' });
  await expect(page.getByText('没有退回的行。')).toBeVisible();
  await look(page, 'story-08-upload-report-gb18030');

  await press(page.getByRole('link', { name: '查看名录库' }));
  await page.getByRole('searchbox', { name: '代码开头或名称中的字' }).fill(`㐱记第${serial}`);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('table', { name: '检查对象名录库' })).toContainText(at(40));
  await look(page, 'story-09-register');
});

test('an upload goes on while its page is left, and one that was stopped is done again', async () => {
  const { page } = desk;
  const rows = [['企业名称', '统一社会信用代码', '区划'], ...codes.slice(0, 40).map((code, nth) => [`顺河第${serial + nth}商行`, code, district])];
  const file = { name: '再次上传.csv', mimeType: 'text/csv', buffer: Buffer.from(csv(rows)) };
  // The line is cut until the test lets it through.
  let through: () => void = () => undefined;
  const open = new Promise<void>((resolve) => (through = resolve));
  await page.route(/subjects:import/, async (route) => {
    await open;
    await route.continue().catch(() => undefined);
  });
  await page.goto('/work/subjects/upload');
  await page.locator('input[type=file]').setInputFiles(file);
  await press(page.getByRole('button', { name: '开始上传' }));
  await expect(page.getByText('可以离开本页去办其他事')).toBeVisible();
  await look(page, 'story-09a-upload-under-way');
  await press(page.getByRole('navigation').getByRole('link', { name: '检查对象名录' }));
  await press(page.getByRole('link', { name: '上传记录' }));
  await expect(page.getByRole('link', { name: /正在上传 再次上传\.csv/ })).toBeVisible();
  await look(page, 'story-09b-uploads-one-under-way');
  await press(page.getByRole('link', { name: /正在上传 再次上传\.csv/ }));
  await press(page.getByRole('button', { name: '中止上传' }));
  await expect(page.getByRole('alert').filter({ hasText: '上传已中止' })).toContainText('不会重复');
  await look(page, 'story-09c-upload-stopped');

  await press(page.getByRole('button', { name: '重新上传' }));
  await press(page.getByRole('navigation').getByRole('link', { name: '检查计划' }));
  through();
  await page.goBack();
  await report(page, { 读取行数: '40', 新增: '0', 未变: '40', 退回: '0' });
  await page.unroute(/subjects:import/);
});

test('a plan is drafted over it, looked at and submitted', async () => {
  const { page } = desk;
  await press(page.getByRole('navigation').getByRole('link', { name: '检查计划' }));
  await press(page.getByRole('link', { name: '起草计划' }));
  await expect(page.getByRole('heading', { name: '起草计划' })).toBeVisible();
  await press(page.getByRole('button', { name: '保存' }));
  await expect(page.getByText('此项必填').first()).toBeVisible();
  await look(page, 'story-10-plan-form-incomplete');

  await page.getByLabel('计划名称').fill(planTitle);
  await choose(page.getByRole('combobox', { name: '类型' }), '专项抽查');
  await choose(page.getByRole('combobox', { name: '监管事项' }), '流通领域商品质量检查', true);
  await choose(page.getByRole('combobox', { name: '检查范围' }), districtName, true);
  await press(page.getByRole('checkbox', { name: /属地管理/ }));
  await look(page, 'story-11-plan-form');

  await press(page.getByRole('button', { name: '保存' }));
  await expect(page.getByRole('heading', { name: planTitle })).toContainText('草稿');
  await expect(page.getByText('名录和人员条件具备。')).toBeVisible();
  await look(page, 'story-12-plan-draft');

  await press(page.getByRole('button', { name: '提交审核' }));
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('提交后不能再修改');
  await look(page, 'story-13-plan-submit-asked');
  await press(dialog.getByRole('button', { name: '提交审核' }));
  await expect(page.getByRole('heading', { name: planTitle })).toContainText('待审核');
  // Whoever asks does not approve: the drafter is shown who may, and no button.
  await expect(page.getByRole('button', { name: '公布计划' })).toHaveCount(0);
  await signOut(page);
});

test('another person publishes the plan', async () => {
  const { page } = desk;
  await signIn(page, 'market-reviewer');
  await look(page, 'story-14-home-of-the-reviewer');
  await press(page.getByRole('link', { name: `审核并公布计划“${planTitle}”` }).first());
  await look(page, 'story-15-plan-in-review');
  await press(page.getByRole('button', { name: '公布计划' }));
  await press(page.getByRole('dialog').getByRole('button', { name: '公布计划' }));
  await expect(page.getByRole('heading', { name: planTitle })).toContainText('已公布');
  await signOut(page);
});

test('while the plan waits for its draw, the register changes only by a second person', async () => {
  const { page } = desk;
  await signIn(page, 'market-handler');
  await page.goto(`/work/subjects?q=${at(3)}`);
  await press(page.getByRole('table').getByRole('link').first());
  await press(page.getByRole('button', { name: '变更存续状态' }));
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('理由').fill('已迁往外市');
  await choose(dialog.getByRole('combobox', { name: '变更为' }), '迁出');
  await look(page, 'story-15a-status-asked');
  await press(dialog.getByRole('button', { name: '确认' }));
  await expect(page.getByText('有一项变更正待第二人复核')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('在业');
  await look(page, 'story-15b-status-waits');
  await press(page.getByRole('link', { name: '查看变更申请' }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('待复核');
  await expect(page.getByRole('button', { name: '同意变更' })).toHaveCount(0);
  await signOut(page);

  await signIn(page, 'market-reviewer');
  await page.goto('/work/subjects/changes');
  await look(page, 'story-15c-changes');
  await press(page.getByRole('table').getByRole('link').first());
  await press(page.getByRole('button', { name: '驳回' }));
  await dialog.getByLabel('理由').fill('没有迁出的证明');
  await press(dialog.getByRole('button', { name: '驳回' }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('已驳回');
  await expect(page.locator('#content').getByText('没有迁出的证明')).toBeVisible();
  await look(page, 'story-15d-change-rejected');
  await signOut(page);
});

test('many at once, too, and what is approved is told subject by subject', async () => {
  const { page } = desk;
  const dialog = page.getByRole('dialog');
  await signIn(page, 'market-handler');
  await page.goto(`/work/subjects?q=${at(40)}`);
  await press(page.getByRole('button', { name: '变更筛选出的 1 户' }));
  await dialog.getByLabel('理由').fill('登记机关通知：已歇业');
  await choose(dialog.getByRole('combobox', { name: '改为' }), '歇业');
  await press(dialog.getByRole('button', { name: '预览' }));
  await expect(dialog.getByRole('table', { name: '预览' })).toContainText(at(40));
  await expect(dialog.getByRole('alert')).toContainText('另一位审核人员');
  await look(page, 'story-15e-bulk-preview');
  await press(dialog.getByRole('button', { name: '提交变更' }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('待复核');
  await signOut(page);

  await signIn(page, 'market-reviewer');
  await press(page.getByRole('link', { name: /项名录变更待您复核/ }));
  await press(page.getByRole('table').getByRole('link').first());
  await look(page, 'story-15f-bulk-change-waits');
  await press(page.getByRole('button', { name: '同意变更' }));
  await press(dialog.getByRole('button', { name: '同意变更' }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('已生效');
  await expect(page.getByRole('table', { name: '逐户结果' }).locator('tbody tr')).toContainText(/歇业.*已变更/);
  await look(page, 'story-15g-bulk-change-applied');
  await signOut(page);
});

test('the supervision office is at its desk', async () => {
  const { page } = supervision;
  await enter(page, 'supervision');
  await expect(page.getByText('当前没有等您办理的事项。')).toBeVisible();
  await look(page, 'story-16-home-of-supervision');
});

test('a draw is created from the plan, stated, and the first dice are given', async () => {
  const { page } = desk;
  await signIn(page, 'market-handler');
  await press(page.getByRole('navigation').getByRole('link', { name: '检查计划' }));
  await press(page.getByRole('link', { name: planTitle }).first());
  await press(page.getByRole('link', { name: '发起抽签' }));
  await expect(page.getByText('开封市人民政府督查局')).toBeVisible();
  await look(page, 'story-17-draw-form');

  await press(page.getByRole('radio', { name: '指定时间' }));
  entriesOpenSecs = Math.max(entriesOpenSecs, Math.ceil(12 * slowestLookSecs()) + 30);
  console.log(`the slowest look took ${slowestLookSecs().toFixed(1)} s: entries are open for ${entriesOpenSecs} s`);
  const close = Date.now() + entriesOpenSecs * 1000;
  for (const [label, plus] of [['提交截止时间', 0], ['公共随机数时间', 1], ['最迟揭示时间', 3600]] as const) {
    const field = page.getByLabel(label);
    await field.fill(wall(new Date(close + plus * 1000)));
    await field.press('Enter');
  }
  await press(page.getByRole('button', { name: '建立抽签' }));
  await expect(page.getByRole('heading', { name: /^抽签 \d{4}-\d{4}/ })).toContainText('待声明');
  number = /\d{4}-\d{4}$/.exec(page.url())?.[0] ?? '';
  expect(number).not.toBe('');
  await openRoom();

  await press(page.getByRole('button', { name: '作出声明' }));
  await expect(page.getByRole('dialog')).toContainText('声明后不能更改');
  await look(page, 'story-18-draw-state-asked');
  await press(page.getByRole('dialog').getByRole('button', { name: '已核对，作出声明' }));
  await expect(page.getByRole('heading', { name: `抽签 ${number}` })).toContainText('已声明');
  statement = (await page.locator('.seen code').textContent()) ?? '';
  expect(statement).toMatch(/^[0-9a-f]{64}$/);
  await expect(page.getByText(/参与 1,\d{3} 户，将抽取 [1-9]\d* 户/)).toBeVisible();
  await look(page, 'story-19-draw-stated');

  for (const [nth, face] of ['4', '2', '6', '1', '3', '5'].entries()) await page.getByLabel(`第 ${nth + 1} 颗`).fill(face);
  await press(page.getByRole('button', { name: '提交（不可撤回）' }));
  await expect(page.locator('.entries')).toContainText('4 2 6 1 3 5');
});

/** Opens the ceremony for everybody in the room, and leaves a mark that a reload would wipe out. */
async function openRoom(): Promise<void> {
  const known = async () => (await fetch(`${baseUrl()}/v1/public/draws/${number}`)).status;
  await expect.poll(known, { message: `${number} in public` }).toBe(200);
  await room.page.goto(`/draws/${number}/ceremony`);
  await expect(room.page.locator('#now')).toContainText('等待声明');
  await room.page.evaluate(() => document.body.classList.add('never-reloaded'));
}

test('supervision gives its dice on the statement it saw', async () => {
  const { page } = supervision;
  await page.reload();
  await press(page.getByRole('link', { name: `向抽签 ${number} 提交随机数` }).first());
  await expect(page.locator('.seen code')).toHaveText(statement);
  await page.getByLabel('第 1 颗').fill('661253');
  await press(page.getByRole('button', { name: '提交（不可撤回）' }));
  await expect(page.locator('.entries')).toContainText('6 6 1 2 5 3');
  await look(page, 'story-20-draw-entries-in');
});

test('the room has seen the statement and both entries come', async () => {
  const { page } = room;
  await expect(page.locator('.givers li.given')).toHaveCount(2);
  await expect(page.locator('#statement .groups')).toHaveText(statement);
  for (const value of ['4 2 6 1 3 5', '6 6 1 2 5 3', '还不存在']) await expect(page.locator('#entries')).toContainText(value);
  await expect(page.locator('body')).toHaveClass(/never-reloaded/);
});

test('meanwhile anybody can see what was stated, and that nothing is drawn yet', async ({ browser }) => {
  const { page, context, watch } = await visitor(browser);
  await page.goto(`/draws/${number}`);
  await expect(page.locator('main')).toContainText(statement);
  await expect(page.locator('main')).toContainText('还没有抽');
  await expect(page.locator('#recheck-start')).toHaveCount(0);
  await look(page, 'story-21-public-draw-under-way');
  watch.nothing();
  await context.close();
});

test('the beacon comes and the reveal runs by itself, before the eyes of both', async () => {
  const { page } = desk;
  const patience = (entriesOpenSecs + 300) * 1000;
  test.setTimeout(3 * patience);
  for (const watching of [page, supervision.page]) {
    await expect(watching.getByRole('heading', { name: `抽签 ${number}` })).toContainText('已派发', { timeout: patience });
  }
  await expect(page.locator('.course')).toContainText('公共随机数');
  const rows = page.getByRole('table', { name: '抽取结果' }).locator('tbody tr');
  await expect(rows.first()).toBeVisible();
  await expect(page.locator('.load li').first()).toBeVisible();
  for (const row of await rows.all()) {
    const cells = await row.locator('td').allTextContents();
    drawn.push(cells[2] ?? '');
    expect(cells[5], 'two officers go').toMatch(/^1601\d{6} 1601\d{6}$/);
  }
  expect(drawn.length, 'a full page').toBe(50);
  await look(page, 'story-22-draw-dispatched');

  await press(page.getByRole('link', { name: '检查任务' }).last());
  await expect(page.getByRole('table', { name: '检查任务' })).toContainText(drawn[0] ?? '');
  await look(page, 'story-23-visits');
  await signOut(page);
  await look(page, 'story-24-signed-out');
});

test('the public page shows all of it without script', async ({ browser }) => {
  await published(number);
  const { page, context, watch } = await visitor(browser, { script: false });
  await page.goto('/');
  await press(page.locator(`main a[href="/draws/${number}"]`).first());
  await expect(page.getByRole('heading', { level: 1 })).toContainText(number);
  const body = page.locator('main');
  await expect(body).toContainText(statement);
  for (const value of ['4 2 6 1 3 5', '6 6 1 2 5 3', 'lottery:demo:', districtName, '开封市市场监督管理局']) await expect(body).toContainText(value);
  const strata = page.locator('section[aria-labelledby=strata]');
  await expect(strata).toContainText(/[0-9a-f]{64}/);
  const rows = page.locator('section[aria-labelledby=drawn-title] tbody tr');
  expect(await rows.count()).toBe(20);
  for (const [nth, row] of (await rows.all()).entries()) {
    await expect(row).toContainText(drawn[nth] ?? '');
    await expect(row).toContainText(/1601\d{6}/);
  }
  await look(page, 'story-25-public-draw-without-script', { axe: false });

  await page.getByLabel('统一社会信用代码或企业全称').fill(drawn[0] ?? '');
  await press(page.getByRole('button', { name: '查询' }));
  await expect(page.locator('#firm').getByRole('status')).toContainText('被抽中');
  await look(page, 'story-26-public-firm-drawn', { axe: false });
  watch.nothing();
  await context.close();
});

test('with script, the visitor\u2019s own browser rechecks the draw', async ({ browser }) => {
  const { page, context, watch } = await visitor(browser);
  await page.goto(`/draws/${number}`);
  await look(page, 'story-27-public-draw');
  await press(page.locator('#recheck-start'));
  const verdict = page.locator('.recheck-verdict[data-verdict]');
  await expect(verdict).toHaveAttribute('data-verdict', 'verified');
  const checks = page.locator('.recheck-list > li');
  expect(await checks.count()).toBeGreaterThan(10);
  await expect(page.locator('.recheck-list > li[data-ok=false]')).toHaveCount(0);
  await look(page, 'story-28-public-draw-rechecked');

  await page.goto(`/draws/${number}?lang=en`);
  await press(page.locator('#recheck-start'));
  await expect(verdict).toHaveAttribute('data-verdict', 'verified');
  await look(page, 'story-29-public-draw-rechecked-english');
  watch.nothing();
  await context.close();
});

test('the command agrees on the evidence that the page hands out', async ({ browser }) => {
  const { page, context, watch } = await visitor(browser);
  await page.goto(`/draws/${number}`);
  const evidence = output('evidence.tar.gz');
  const [download] = await Promise.all([page.waitForEvent('download'), press(page.getByRole('link', { name: /证据包（tar\.gz/ }))]);
  await download.saveAs(evidence);
  expect(statSync(evidence).size).toBeGreaterThan(1000);
  const jwks = output('jwks.json');
  const keys = await context.request.get(`${baseUrl()}/.well-known/jwks.json`);
  expect(keys.ok()).toBe(true);
  writeFileSync(jwks, await keys.body());
  const said = execFileSync(binary(), ['verify', evidence, '--jwks', jwks, '--demo', '--lang', 'en'], { encoding: 'utf8' });
  expect(said).toMatch(/verified/i);
  watch.nothing();
  await context.close();
});

test('the room sees the drawn come one by one, without a reload and without a hand', async () => {
  const { page } = room;
  const rows = page.locator('.rolling > li');
  await expect(rows.first()).toBeVisible();
  await expect(page.locator('#now')).toContainText('已揭示');
  await expect(page.locator('.givers li.given')).toHaveCount(3);
  await expect(page.locator('#entries')).toContainText('已截止并签名');
  await expect(page.locator('#following')).toContainText('已经结束');
  // Shown or still to come, the list is whole and in the order of the tickets.
  const titles = await rows.locator('code:not([title])').evaluateAll((all) => all.map((one) => one.textContent));
  expect(titles.slice(0, drawn.length)).toEqual(drawn);
  await expect(rows.last()).toBeVisible();
  await expect(page.locator('body')).toHaveClass(/never-reloaded/);
  await look(page, 'story-24b-ceremony');
});

test('the drawn are shown one by one again, at a pace one can read, or all at once', async ({ browser }) => {
  const { page, context, watch } = await visitor(browser, { moving: true });
  await page.clock.install();
  await page.goto(`/draws/${number}/ceremony`);
  const [rows, shown] = [page.locator('.rolling > li'), page.locator('.rolling > li:not([hidden])')];
  const [again, atOnce] = [page.getByRole('button', { name: '从头逐户显示' }), page.getByRole('button', { name: '立即全部显示' })];
  await expect(rows.last()).toBeVisible();
  await expect(atOnce).toBeHidden();
  // From here on time passes when it is told to.
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await press(again);
  await expect(shown).toHaveCount(1);
  await page.clock.runFor(3000);
  const soFar = await shown.count();
  expect(soFar).toBeGreaterThan(2);
  expect(soFar).toBeLessThan(12);
  await expect(again).toBeHidden();
  await press(atOnce);
  await expect(rows.last()).toBeVisible();
  await expect(again).toBeVisible();
  watch.nothing();
  await context.close();
});

test('nothing moves in the room for whoever wants nothing to move, and all is there without script', async ({ browser }) => {
  for (const also of [{}, { script: false }]) {
    const { page, context, watch } = await visitor(browser, also);
    await page.goto(`/draws/${number}/ceremony?lang=en`);
    await expect(page.locator('.rolling > li').last()).toBeVisible();
    for (const button of await page.locator('[data-roll]').all()) await expect(button).toBeHidden();
    await expect(page.locator('main svg[role=img]')).toHaveCount(2);
    if (also.script !== false) await look(page, 'story-24c-ceremony-english');
    watch.nothing();
    await context.close();
  }
});

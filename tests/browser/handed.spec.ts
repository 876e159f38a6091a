// What is handed to people without an account: a witness's one-time link, opened on a phone (articles 11 and 15), and a firm's
// one-time code for its own line of a register that the law withholds (article 10). One draw serves both.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { baseUrl, output, published } from './support/city';
import { Desk } from './support/desk';
import { look, phone, slowestLookSecs } from './support/look';
import { enter, openList, press, visitor } from './support/people';

test.describe.configure({ mode: 'serial' });

interface Draw {
  name: string;
  etag: string;
  state: string;
  statement: string;
}

const witness = 'notary-li';
/** Six dice that somebody rolled. */
const dice = '3 1 6 2 5 5';
let draw: Draw;
let entriesOpenSecs = 45;

const inSecs = (secs: number): string => `${new Date(Math.ceil(Date.now() / 1000 + secs) * 1000).toISOString().slice(0, 19)}Z`;
const number = (): string => draw.name.replace('draws/', '');

/** A plan over a register that is withheld, and a draw over it: stated, with a witness besides the drawing department. */
async function state(handler: Desk): Promise<Draw> {
  const market = 'organisations/market';
  const { items } = await handler.get<{ items: { name: string }[] }>(`/v1/${market}/items?pageSize=1&state=ITEM_STATE_PUBLISHED`);
  const year = new Date().getFullYear();
  const plan = await handler.publish(
    {
      organisation: market,
      title: '不公开名录的专项抽查',
      year,
      kind: 'PLAN_KIND_SPECIAL',
      items: items.map((item) => item.name),
      districts: ['410225'],
      stratification: 'STRATIFICATION_DISTRICT',
      quotas: [{ stratum: '*', ppm: '20000' }],
      teams: [{ organisation: market, size: 2 }],
      coverDistrict: true,
      startDate: `${year}-01-01`,
      endDate: `${year + 1}-12-31`,
      method: '现场检查',
      frequency: '每年1次',
      withheld: { basis: '《中华人民共和国政府信息公开条例》第十五条', files: ['left_out.tsv', 'subjects.tsv'] },
    },
    await Desk.of('market-reviewer'),
  );
  const created = await handler.post<Draw>('/v1/draws', {
    plan,
    contributors: [
      { contributor: 'market', kind: 'CONTRIBUTOR_KIND_DEPARTMENT', unit: 'market' },
      { contributor: witness, kind: 'CONTRIBUTOR_KIND_WITNESS', unit: 'ecology' },
      { contributor: 'lottery:demo:0', kind: 'CONTRIBUTOR_KIND_BEACON' },
    ],
    entriesClose: inSecs(entriesOpenSecs),
    beaconTime: inSecs(entriesOpenSecs + 1),
    revealBy: inSecs(entriesOpenSecs + 3600),
  });
  const stated = await handler.post<Draw>(`/v1/${created.name}:state`, { etag: created.etag });
  await handler.post(`/v1/${created.name}:addEntry`, { value: '4 2 6 1 3 5', statement: stated.statement });
  return stated;
}

const open = async (page: Page): Promise<void> => press(page.getByRole('button', { name: '打开（只能打开一次）' }));

test('a witness opens the link on a phone, keeps the statement, gives a number and takes the receipt home', async ({ browser }) => {
  const { page, context, watch } = await visitor(browser);
  await page.goto('/witness');
  await look(page, 'handed-01-witness');
  const handler = await Desk.of('market-handler');
  // Three looks and a few clicks lie between the statement and the entry.
  entriesOpenSecs = Math.max(entriesOpenSecs, Math.ceil(8 * slowestLookSecs()) + 20);
  draw = await state(handler);
  const { path } = await handler.post<{ path: string }>(`/v1/${draw.name}:createWitnessLink`, { contributor: witness });

  // Portal follows the draws, a moment behind them; from it the page has the names.
  const known = async () => (await fetch(`${baseUrl()}/v1/public/${draw.name}`)).status;
  await expect.poll(known, { message: `${draw.name} in public` }).toBe(200);

  // The link is scanned while its page stands open already.
  await page.setViewportSize(phone);
  await page.goto(path);
  await expect(page.getByLabel(/见证链接中的口令/)).toHaveValue(path.split('#')[1] ?? '');
  await expect(page).toHaveURL(/\/witness$/);
  await open(page);
  const main = page.locator('main');
  await expect(main).toContainText(draw.statement);
  for (const told of ['链接已打开，不能再次打开', '开封市生态环境局', '开封市市场监督管理局']) await expect(main).toContainText(told);
  const [download] = await Promise.all([page.waitForEvent('download'), press(page.getByRole('link', { name: /保存声明文件/ }))]);
  const file = output('handed-statement.json');
  await download.saveAs(file);
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { draw: string; statement: string; statement_json: string };
  expect(kept.draw).toBe(draw.name);
  expect(createHash('sha256').update(kept.statement_json).digest('hex')).toBe(draw.statement);
  await look(page, 'handed-02-witness-opened');

  await page.getByLabel(/骰子点数/).fill(dice);
  await press(page.getByRole('checkbox', { name: /我已保存声明文件/ }));
  await press(page.getByRole('button', { name: '提交（公开且不可更改）' }));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('见证回执');
  await expect(main).toContainText(`2 ⇥ ${witness} ⇥ ${dice}`);
  await look(page, 'handed-03-witness-receipt');
  watch.nothing();
  await context.close();

  const second = await visitor(browser);
  second.watch.expecting(/409 for POST .*\/witness$/);
  await second.page.goto(path);
  await open(second.page);
  await expect(second.page.locator('.wrong')).toContainText('不能再次打开');
  await look(second.page, 'handed-04-witness-twice');
  second.watch.nothing();
  await second.context.close();
});

test('a firm is handed a slip, and finds its own line of a withheld register with the code on it', async ({ browser }) => {
  const patience = (entriesOpenSecs + 300) * 1000;
  test.setTimeout(3 * patience);
  const handler = await Desk.of('market-handler');
  const now = async () => (await handler.get<Draw>(`/v1/${draw.name}`)).state;
  await expect.poll(now, { message: `state of ${draw.name}`, timeout: patience }).toBe('DRAW_STATE_DISPATCHED');
  await published(number());
  const { drawn } = await handler.get<{ drawn: { subject: string; title: string }[] }>(`/v1/${draw.name}/drawn?pageSize=1`);
  const firm = drawn[0] ?? { subject: '', title: '' };

  const desk = await visitor(browser);
  await enter(desk.page, 'market-handler');
  await desk.page.goto(`/work/${draw.name}`);
  await press(desk.page.getByRole('link', { name: '本户凭证查询码' }));
  await press(desk.page.getByRole('button', { name: '发放查询码' }));
  const dialog = desk.page.getByRole('dialog');
  const field = dialog.getByRole('combobox');
  await field.fill(firm.subject);
  const found = openList(desk.page).locator('.ant-select-item-option');
  await expect(found).toContainText(firm.subject);
  await expect(found).toHaveCount(1);
  await expect(found).toHaveClass(/active/);
  await field.press('Enter');
  await expect(openList(desk.page)).toHaveCount(0);
  await press(dialog.getByRole('button', { name: '发放查询码' }));
  const slip = desk.page.getByRole('article');
  await expect(slip).toContainText(firm.title);
  const code = (await slip.locator('.slip-code').innerText()).trim();
  expect(code).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
  await look(desk.page, 'handed-05-slip');
  // On paper: the slip, and nothing to press.
  await desk.page.emulateMedia({ media: 'print' });
  await expect(slip.getByRole('button')).toHaveCount(0);
  await desk.page.emulateMedia({ media: 'screen' });
  await press(slip.getByRole('button', { name: '已交付，关闭' }));
  await expect(desk.page.getByRole('table', { name: '本户凭证查询码' })).toContainText('未用');
  await look(desk.page, 'handed-06-codes');
  desk.watch.nothing();
  await desk.context.close();

  const { page, context, watch } = await visitor(browser);
  await page.setViewportSize(phone);
  await page.goto(`/draws/${number()}`);
  const main = page.locator('main');
  for (const told of ['入池名单依法不公开', '各层的抽取规则', '演示用公共随机数第']) await expect(main).toContainText(told);
  await look(page, 'handed-07-withheld-draw');
  await page.goto(`/draws/${number()}/own-line`);
  // As it is typed from paper.
  await page.getByLabel(/一次性查询码/).fill(code.toLowerCase().replaceAll('-', ' '));
  await press(page.getByRole('button', { name: '取得凭证' }));
  await expect(main).toContainText(firm.subject);
  await expect(main).toContainText('被抽中');
  await look(page, 'handed-08-own-line');

  watch.expecting(/409 for POST .*\/own-line$/);
  await page.goto(`/draws/${number()}/own-line`);
  await page.getByLabel(/一次性查询码/).fill(code);
  await press(page.getByRole('button', { name: '取得凭证' }));
  await expect(page.locator('.wrong')).toContainText('只能用一次');
  await look(page, 'handed-09-code-twice');
  const list = await fetch(`${baseUrl()}/v1/${draw.name}/proofCodes`);
  expect(list.status, 'nobody outside is told whose codes there are').toBe(401);
  watch.nothing();
  await context.close();
});

// People at browsers: each has a context of their own, signs in by the form and is watched.
import { expect, type Browser, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { account, baseUrl, type Username } from './city';
import { desk } from './look';
import { Watch } from './watch';

export interface Visitor {
  context: BrowserContext;
  page: Page;
  watch: Watch;
}

/**
 * Somebody with a browser who has asked for nothing to move, unless motion is what the test is about. Without script a page
 * shows what the server wrote.
 */
export async function visitor(browser: Browser, also: { script?: boolean; moving?: boolean } = {}): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: baseUrl(), viewport: desk, reducedMotion: also.moving ? 'no-preference' : 'reduce', javaScriptEnabled: also.script ?? true });
  const watch = await Watch.over(context);
  return { context, page: await context.newPage(), watch };
}

/**
 * Follows a link, presses a button or ticks a box that a pointer could reach. Pages grow while they load and while a draw
 * goes on: what moves between the going down of a pointer and its coming up was not clicked, and a slow machine may move
 * it just then. So it is looked for and clicked in one breath of the page's own.
 */
export async function press(target: Locator): Promise<void> {
  await target.click({ trial: true });
  await target.dispatchEvent('click');
}

/** Fills in the form of the work portal. */
export async function signIn(page: Page, username: Username): Promise<void> {
  const { password, real_name } = account(username);
  await page.getByLabel('用户名').fill(username);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await press(page.getByRole('button', { name: '登录', exact: true }));
  await expect(page.getByRole('button', { name: `账号 ${real_name}` })).toBeVisible();
}

/** Signs in on a fresh page of the work portal. */
export async function enter(page: Page, username: Username): Promise<void> {
  await page.goto('/work/');
  await signIn(page, username);
}

/** By the menu behind one's name. */
export async function signOut(page: Page): Promise<void> {
  await press(page.getByRole('banner').getByRole('button', { name: /^账号/ }));
  await press(page.getByRole('menuitem', { name: '退出登录' }));
  await expect(page.getByRole('heading', { name: '登录工作门户' })).toBeVisible();
}

/** The list that stands open under a field. */
export const openList = (page: Page): Locator => page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden)');

/** More entries than any list in a story has. */
const entriesMax = 50;

/**
 * Chooses an entry of a field that opens a list; where the field takes several, the list is closed again. By the keyboard:
 * a list grows as it opens and is placed anew when its entries come, and a pointer that goes down on one entry and comes up
 * on the next chooses none and leaves the list open.
 */
export async function choose(field: Locator, option: string | RegExp, several = false): Promise<void> {
  const list = openList(field.page());
  await expect(list).toHaveCount(0);
  await field.press('Enter');
  const active = list.locator('.ant-select-item-option-active');
  await expect(active).toBeVisible();
  const wanted = active.filter({ hasText: option });
  for (let down = 0; down < entriesMax && (await wanted.count()) === 0; down += 1) await field.press('ArrowDown');
  await expect(wanted).toHaveCount(1);
  await field.press('Enter');
  if (several) await field.press('Escape');
  await expect(list).toHaveCount(0);
  const shown = field.locator('xpath=ancestor::div[contains(concat(" ", @class, " "), " ant-select ")]');
  await expect(shown).toContainText(option);
}

/** The instant as pickers of the work portal write it, in Beijing's time. */
export function wall(instant: Date): string {
  const there = new Date(instant.getTime() + 8 * 3_600_000);
  const day = `${there.getUTCFullYear()}年${there.getUTCMonth() + 1}月${there.getUTCDate()}日`;
  const weekday = ['周日', '周一', '周二', '周三', '周四', '周五', '周六'][there.getUTCDay()];
  return `${day} (${weekday}) ${there.toISOString().slice(11, 19)}`;
}

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

/** Somebody with a browser. Without script a page shows what the server wrote; with calm nothing is to move. */
export async function visitor(browser: Browser, also: { script?: boolean; calm?: boolean } = {}): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: baseUrl(), viewport: desk, reducedMotion: also.calm ? 'reduce' : 'no-preference', javaScriptEnabled: also.script ?? true });
  const watch = await Watch.over(context);
  return { context, page: await context.newPage(), watch };
}

/** Fills in the form of the work portal. */
export async function signIn(page: Page, username: Username): Promise<void> {
  const { password, real_name } = account(username);
  await page.getByLabel('用户名').fill(username);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await expect(page.getByRole('button', { name: `账号 ${real_name}` })).toBeVisible();
}

/** Signs in on a fresh page of the work portal. */
export async function enter(page: Page, username: Username): Promise<void> {
  await page.goto('/work/');
  await signIn(page, username);
}

/** By the menu behind one's name. */
export async function signOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: /^账号/ }).click();
  await page.getByRole('menuitem', { name: '退出登录' }).click();
  await expect(page.getByRole('heading', { name: '登录工作门户' })).toBeVisible();
}

/** Chooses an entry of a field that opens a list; where the field takes several, it is closed again. */
export async function choose(field: Locator, option: string | RegExp, several = false): Promise<void> {
  await field.click();
  const list = field.page().locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden)');
  await list.locator('.ant-select-item-option').filter({ hasText: option }).first().click();
  if (several) await field.press('Escape');
  await expect(list).toHaveCount(0);
}

/** The instant as pickers of the work portal write it, in Beijing's time. */
export function wall(instant: Date): string {
  const there = new Date(instant.getTime() + 8 * 3_600_000);
  const day = `${there.getUTCFullYear()}年${there.getUTCMonth() + 1}月${there.getUTCDate()}日`;
  const weekday = ['周日', '周一', '周二', '周三', '周四', '周五', '周六'][there.getUTCDay()];
  return `${day} (${weekday}) ${there.toISOString().slice(11, 19)}`;
}

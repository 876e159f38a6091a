// Without a mouse: a plan is drafted by the keys alone, and what was typed outlives a refusal and the end of a session.
import { expect, test, type Locator, type Page } from '@playwright/test';
import { account } from './support/city';
import { openList, press, visitor } from './support/people';

/** More fields and buttons than any page of the story has. */
const stopsMax = 150;

/** Goes on by Tab until the focus is there. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let stop = 0; stop < stopsMax; stop += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never comes to ${target}`);
}

test('a plan is drafted without a mouse', async ({ browser }) => {
  const { context, page, watch } = await visitor(browser);
  const { password } = account('market-handler');
  await page.goto('/work/plans/new');
  await expect(page.getByLabel('用户名')).toBeFocused();
  await page.keyboard.type('market-handler');
  await tabTo(page, page.getByLabel('密码', { exact: true }));
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: '起草计划' })).toBeVisible();

  // Past the menu in one step.
  await page.goto('/work/plans/new');
  await expect(page.getByRole('heading', { level: 1, name: '起草计划' })).toBeVisible();
  await tabTo(page, page.getByRole('link', { name: '跳到正文' }));
  await page.keyboard.press('Enter');
  await expect(page.locator('#content')).toBeFocused();
  const title = page.getByLabel('计划名称');
  await tabTo(page, title);
  await page.keyboard.type('键盘起草的计划');

  // Sent too early: it is said beside the field, and the focus is there.
  await page.keyboard.press('Enter');
  const items = page.getByRole('combobox', { name: '监管事项' });
  await expect(page.locator('.ant-form-item', { has: items }).getByText('此项必填')).toBeVisible();
  await expect(items).toBeFocused();
  await expect(title).toHaveValue('键盘起草的计划');
  const list = openList(page);
  await page.keyboard.press('Enter');
  await expect(list.locator('.ant-select-item-option-active')).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(list.locator('.ant-select-item-option-selected')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(list).toHaveCount(0);

  // The session ends meanwhile: signing in again, over the page, goes on with what was typed.
  await context.clearCookies();
  watch.expecting(/401 for POST .*\/v1\/plans/);
  await tabTo(page, page.getByRole('button', { name: '保存' }));
  await page.keyboard.press('Enter');
  const again = page.getByRole('dialog');
  await expect(again.getByText(/登录已过期/)).toBeVisible();
  await expect(again.getByLabel('用户名')).toBeFocused();
  await page.keyboard.type('market-handler');
  await tabTo(page, again.getByLabel('密码', { exact: true }));
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await expect(again).toHaveCount(0);
  await expect(title).toHaveValue('键盘起草的计划');
  await tabTo(page, page.getByRole('button', { name: '保存' }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: /键盘起草的计划/ })).toBeVisible();

  // Back in the list the newest stands first; its heads sort by the keys, too.
  await page.goto('/work/plans');
  const byName = page.getByRole('columnheader', { name: '计划名称' });
  await tabTo(page, byName.getByRole('button'));
  await page.keyboard.press('Enter');
  await expect(byName).toHaveAttribute('aria-sort', 'ascending');
  await expect(page).toHaveURL(/order=title/);
  await page.keyboard.press('Enter');
  await expect(byName).toHaveAttribute('aria-sort', 'descending');

  // A dialog closes by Escape and gives the focus back.
  await page.goto('/work/leaves');
  const open = page.getByRole('button', { name: '登记请假' });
  await tabTo(page, open);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(open).toBeFocused();
  await press(page.getByRole('link', { name: '检查计划' }).first());
  watch.nothing();
  await context.close();
});

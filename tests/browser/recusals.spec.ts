// A recusal after a draw, as those concerned live it (article 16): one asks, another decides, the next candidate joins by the
// draw's own order, and the public log says so.
import { expect, test } from '@playwright/test';
import { demonstration } from './support/city';
import { look } from './support/look';
import { choose, enter, openList, press, signIn, signOut, visitor } from './support/people';

test('a recusal is asked, decided by another person, and stands in the public log', async ({ browser }) => {
  const { draw } = await demonstration();
  const { page, context, watch } = await visitor(browser);
  const dialog = page.getByRole('dialog');
  const visits = page.getByRole('table', { name: '检查任务' });
  const recusals = page.getByRole('table', { name: '回避申请' });
  const team = async (subject: string): Promise<string[]> => {
    await page.goto(`/work/visits?draw=${draw}&q=${subject}`);
    await expect(visits.locator('tbody tr')).toHaveCount(1);
    return (await visits.locator('td[data-label=检查组]').innerText()).trim().split(/\s+/);
  };

  await enter(page, 'market-handler');
  await page.goto(`/work/visits?draw=${draw}`);
  const subject = (await visits.locator('tbody tr').first().locator('td[data-label=统一社会信用代码]').innerText()).trim();
  const [leaving = '', staying = ''] = await team(subject);
  expect(leaving).toMatch(/^1601\d{6}$/);

  await page.goto('/work/recusals');
  await press(page.getByRole('button', { name: '申请回避' }));
  const visit = dialog.getByRole('combobox', { name: '检查任务' });
  await visit.fill(subject);
  const found = openList(page).locator('.ant-select-item-option');
  await expect(found).toHaveCount(1);
  await expect(found).toContainText(draw);
  await expect(found).toHaveClass(/active/);
  await visit.press('Enter');
  await expect(openList(page)).toHaveCount(0);
  await choose(dialog.getByRole('combobox', { name: '回避人员' }), leaving);
  await choose(dialog.getByRole('combobox', { name: '事由' }), '亲属关系');
  await dialog.getByLabel('具体情况').fill('配偶在该企业任职');
  await look(page, 'recusal-1-asked-for');
  await press(dialog.getByRole('button', { name: '申请回避' }));
  await expect(dialog).toHaveCount(0);
  await page.goto(`/work/recusals?q=${subject}`);
  const asked = recusals.locator('tbody tr').filter({ hasText: '待决定' });
  await expect(asked).toContainText(leaving);
  // Whoever asks does not decide.
  await expect(asked.getByRole('button')).toHaveCount(0);
  await signOut(page);

  await signIn(page, 'market-reviewer');
  await press(page.getByRole('link', { name: /件回避申请待您决定/ }));
  await press(asked.filter({ hasText: leaving }).getByRole('button', { name: /^决定/ }));
  await press(dialog.getByRole('radio', { name: /同意，退出检查组/ }));
  await expect(dialog.getByRole('alert')).toContainText('不能撤回');
  await look(page, 'recusal-2-to-be-decided');
  await press(dialog.getByRole('button', { name: '决定', exact: true }));
  await expect(dialog).toHaveCount(0);
  await page.goto(`/work/recusals?q=${subject}&state=RECUSAL_STATE_UPHELD`);
  await expect(recusals.locator('tbody tr').first()).toContainText(/由 1601\d{6} 接替/);
  await look(page, 'recusal-3-upheld');
  const now = await team(subject);
  expect(now).toContain(staying);
  expect(now).not.toContain(leaving);
  const joined = now.find((one) => one !== staying) ?? '';
  expect(joined).toMatch(/^1601\d{6}$/);

  // Portal follows the draws, a moment behind them.
  const log = page.locator('section', { has: page.locator('#log') });
  await expect(async () => {
    await page.goto(`/draws/${draw}`);
    await expect(log).toContainText(joined, { timeout: 1000 });
  }).toPass();
  await expect(log).toContainText(leaving);
  await expect(log).not.toContainText('配偶');
  await look(page, 'recusal-4-public-log');
  watch.nothing();
  await context.close();
});

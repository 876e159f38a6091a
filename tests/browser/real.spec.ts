// Article 15: anyone can recompute the result, over a register of the size that cities have. The draw was made before the
// browser came (`tests/tests/fleet/browser.rs`): over the real register where there is one.
import { expect, test } from '@playwright/test';
import { published, realDraw } from './support/city';
import { look } from './support/look';
import { press, visitor } from './support/people';

test('the visitor\u2019s own browser rechecks the draw over a whole register', async ({ browser }) => {
  const number = realDraw();
  test.skip(number === undefined, 'REAL_DRAW names no draw');
  await published(number ?? '');
  const { page, context, watch } = await visitor(browser);
  await page.goto(`/draws/${number}`);
  // The bar as a person could have seen it: every value it had while it was shown.
  const bar = page.locator('.recheck-bar');
  await expect(bar).toBeHidden();
  const told = await page.evaluateHandle(() => {
    const values: number[] = [];
    const bar = document.querySelector('progress.recheck-bar');
    if (!(bar instanceof HTMLProgressElement)) throw new Error('no bar');
    new MutationObserver(() => {
      if (bar.checkVisibility()) values.push(bar.value);
    }).observe(bar, { attributes: true, attributeFilter: ['value'] });
    return values;
  });
  const started = Date.now();
  await press(page.locator('#recheck-start'));
  await expect(page.locator('.recheck-verdict[data-verdict]')).toHaveAttribute('data-verdict', 'verified');
  console.log(`draw ${number} was rechecked in Chromium in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  const values = await told.jsonValue();
  expect(values.length, 'steps of the bar').toBeGreaterThan(1);
  expect(values).toEqual([...values].sort((a, b) => a - b));
  expect(values.at(-1)).toBe(1);
  await expect(bar).toBeHidden();
  await expect(page.locator('.recheck-list > li[data-ok=false]')).toHaveCount(0);
  expect(await page.locator('.recheck-list > li').count()).toBeGreaterThan(10);
  await look(page, 'real-01-register-rechecked');
  watch.nothing();
  await context.close();
});

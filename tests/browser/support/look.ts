// Looking at a page as a person with a desk, a person with a phone, and a person with a screen reader do.
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { output } from './city';

export const desk = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

let slowestMs = 0;

/** Seconds of the slowest look so far: how fast this machine is. */
export const slowestLookSecs = (): number => slowestMs / 1000;

/** Nothing loads, moves or pops up any more. */
async function settled(page: Page): Promise<void> {
  await expect(page.locator('.ant-spin-spinning, .ant-message-notice')).toHaveCount(0);
  await page.evaluate(async () => {
    await document.fonts.ready;
    const finite = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(finite.map((one) => one.finished));
  });
}

/**
 * Keeps the page as pictures `NAME-1280.png` and `NAME-390.png`; it must fit both widths without scrolling sideways, and axe
 * must find nothing. Leaves the page at the width of a desk.
 */
export async function look(page: Page, name: string, also: { axe?: boolean } = {}): Promise<void> {
  const started = Date.now();
  // A pointer that rests on a message keeps it from going, and colours what it rests on.
  await page.mouse.move(0, 0);
  for (const size of [phone, desk]) {
    await page.setViewportSize(size);
    await settled(page);
    await page.evaluate(() => window.scrollTo(0, 0));
    // A question stands before what can be seen, not before the whole page.
    const fullPage = (await page.getByRole('dialog').count()) === 0;
    await page.screenshot({ path: output('screenshots', `${name}-${size.width}.png`), fullPage, animations: 'allow', caret: 'initial' });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect.soft(beyond, `${name} at ${size.width} px: pixels beyond the right edge`).toBe(0);
    if (also.axe === false) continue;
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
    const found = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join(' | ')}`);
    expect.soft(found, `${name} at ${size.width} px: axe`).toEqual([]);
  }
  slowestMs = Math.max(slowestMs, Date.now() - started);
}

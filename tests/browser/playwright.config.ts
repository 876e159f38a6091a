// Two browsers over one city: one lives the story, the other looks at every other page meanwhile. Nothing is retried.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { output } from './support/city';

/** The system's own Chromium; none is downloaded. */
function chromium(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin'];
  const places = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error('no Chromium on this machine: scripts/install.sh --tests installs it');
  return found;
}

/** Whatever has not come by then hangs. How fast things are is never demanded. */
const hang = 300_000;

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: output('failures'),
  workers: 2,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 2 * hang,
  expect: { timeout: hang },
  reporter: [['list']],
  use: {
    locale: 'zh-CN',
    // Somewhere else on purpose: every time the pages show is Beijing's.
    timezoneId: 'America/New_York',
    actionTimeout: hang,
    navigationTimeout: hang,
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-default-apps',
        '--no-first-run',
      ],
    },
  },
});

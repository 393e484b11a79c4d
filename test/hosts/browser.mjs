import { chromium } from 'playwright-core';
import { findChromium } from './programs.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const SECONDS = 20;

/** Starts the Chromium in which pages of all hosts are opened, each with a storage of its own. */
export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });
  return { openPage: (url) => openPage(browser, url), close: () => browser.close() };
}

async function openPage(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return {
    click: (name) => page.getByRole('button', { name }).click({ timeout: SECONDS * 1000 }),
    /** Waits until the page shows a text. A page that complained of something has failed. */
    async shows(text) {
      const wait = page
        .getByText(text)
        .first()
        .waitFor({ timeout: SECONDS * 1000 });
      const isShown = await wait.then(() => true).catch(() => false);
      const shown = isShown ? '' : `the page shows ${JSON.stringify(await page.innerText('body'))}, not "${text}"\n`;
      if (shown || complaints.length > 0) throw new Error(`${shown}${complaints.join('\n')}`);
    },
    close: () => context.close(),
  };
}

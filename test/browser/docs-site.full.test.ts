import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { buildDocs, serveDocs } from '../support/browsers/docs-site.js';
import { DOCS, readPage } from '../support/package/markdown.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 860 };

/** The addresses of the pages. */
const paths = DOCS.map((page) => page.replace(/^docs(\/.*)\.md$/, '$1'));

describeInChromium('the site of the documentation', (newContext) => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-site-'));
    await buildDocs(folder);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Opens pages, and collects what they complain of. */
  async function open(
    options: Parameters<typeof newContext>[0],
  ): Promise<{ page: Page; complaints: string[]; url: string }> {
    const url = await serveDocs(folder);
    const page = await (await newContext(options)).newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(response.url());
    });
    return { page, complaints, url };
  }

  const goTo = async (page: Page, url: string, path: string): Promise<void> => {
    await page.goto(new URL(path, url).href, { waitUntil: 'networkidle' });
  };

  test('shows every page without a complaint, no wider than a phone', { timeout: 180_000 }, async () => {
    const { page, complaints, url } = await open({ viewport: PHONE });
    const widths: Record<string, number> = {};
    for (const path of ['/', ...paths]) {
      await goTo(page, url, path);
      widths[path] = await page.evaluate(() => document.documentElement.scrollWidth);
    }
    expect(Object.entries(widths).filter(([, width]) => width > PHONE.width)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  /** @returns The addresses that don't answer with a page, or whose page has no such anchor. */
  const deadOf = async (links: readonly string[]): Promise<string[]> => {
    const dead: string[] = [];
    for (const link of links) {
      const response = await fetch(link);
      const anchor = decodeURIComponent(new URL(link).hash.slice(1));
      const html = await response.text();
      if (response.status !== 200 || (anchor && !html.includes(` id="${anchor}"`))) dead.push(link);
    }
    return dead;
  };
  const linksIn = (page: Page, selector: string): Promise<string[]> =>
    page
      .locator(`${selector} a[href]`)
      .evaluateAll((links) => [...new Set(links.map((link) => (link as HTMLAnchorElement).href))]);

  test('links from its home page to pages and headings that are there', async () => {
    const { page, url } = await open({ viewport: DESK });
    await goTo(page, url, '/');
    const links = await linksIn(page, 'body');
    const parts = links.map((link) => link.replace(url, '/'));
    expect(parts).toEqual(expect.arrayContaining(['/getting-started', '/troubleshooting', '/api/', '/hosts']));
    expect(
      parts.filter((part) => /^\/\w+#/.test(part)),
      'a link to a heading',
    ).not.toEqual([]);
    expect(await deadOf(links)).toEqual([]);
    expect(await deadOf([`${url}nowhere`, `${url}delivery#nowhere`])).toHaveLength(2);
  });

  test('has the reference, and in it the types for storage adapters apart', async () => {
    const { page, complaints, url } = await open({ viewport: DESK });
    await goTo(page, url, '/api/');
    const links = await linksIn(page, '.VPSidebar');
    expect(links.length).toBeGreaterThan(50);
    expect(await deadOf(links)).toEqual([]);

    const group = page.locator('.VPSidebarItem', { hasText: 'For storage adapters of your own' }).last();
    const adapterTypes = await group.getByRole('link', { includeHidden: true }).allTextContents();
    expect(adapterTypes).toEqual(expect.arrayContaining(['StorageAdapter', 'Writer']));
    await goTo(page, url, '/api/nikdev-iot/');
    const text = page.locator('main .vp-doc');
    await text.getByRole('heading', { name: 'For storage adapters of your own' }).waitFor();
    await text.getByRole('link', { name: 'StorageAdapter', exact: true }).first().click();
    await page.getByRole('heading', { level: 1, name: 'StorageAdapter' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('finds the texts of its pages', async () => {
    const { page, url } = await open({ viewport: DESK });
    await goTo(page, url, '/');
    await page
      .getByRole('button', { name: /Search/ })
      .first()
      .click();
    await page.getByRole('searchbox').fill('adoption containers');
    await page.locator('.VPLocalSearchBox .result').first().click();
    await page.waitForURL(/docker/);
    await page.getByRole('heading', { name: /Adoption between containers/ }).waitFor();
  });

  test.each(['light', 'dark'] as const)(
    'is readable for everybody, in %s',
    { timeout: 120_000 },
    async (colorScheme) => {
      const { page, url } = await open({ viewport: DESK, colorScheme });
      for (const path of ['/', '/getting-started', '/troubleshooting']) {
        await goTo(page, url, path);
        const isDark = await page.evaluate(() => document.documentElement.classList.contains('dark'));
        expect(isDark).toBe(colorScheme === 'dark');
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(
          // Colours of code are the highlighter's.
          () =>
            (globalThis as unknown as { axe: { run(at: object, options: object): Promise<AxeResults> } }).axe.run(
              { exclude: ['pre'] },
              { runOnly: ['wcag2a', 'wcag2aa'] },
            ),
        );
        expect(violations.map(({ id, nodes }) => `${path} ${id} ${nodes[0]?.html}`)).toEqual([]);
      }
    },
  );

  test('has the pages as text, and a list of them for programs', () => {
    for (const page of DOCS) expect(readFileSync(join(folder, page.replace('docs/', '')), 'utf8')).toBe(readPage(page));
    const targets = [...readFileSync(join(folder, 'llms.txt'), 'utf8').matchAll(/\]\((.*?)\)/g)].map(
      ([, to = '']) => to,
    );
    expect(targets).toHaveLength(DOCS.length);
    expect(targets.filter((target) => !existsSync(join(folder, target)))).toEqual([]);
  });

  test('points links to examples and sources nowhere while the repository is not known', () => {
    const { repository } = JSON.parse(readPage('package.json')) as { repository?: unknown };
    const html = readFileSync(join(folder, 'getting-started.html'), 'utf8');
    expect(/<a [^>]*examples\/device/.test(html)).toBe(repository !== undefined);
    expect(html).toContain('examples/device');
  });
});

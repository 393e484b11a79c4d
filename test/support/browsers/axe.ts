import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The timeout of a test that asks axe several times, in milliseconds. */
export const AXE_MS = 120_000;

/** @returns The violations that axe finds, by all its rules. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Not by a script element: the page's policy forbids that.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

import { describe, expect, test } from 'vitest';
import { commitEach } from '../../support/builders/api.js';
import { PlainHttpPages, queuedValues } from '../../support/fakes/plain-http-pages.js';

describe('back and forward on plain http (bfcache)', () => {
  test('loses no commit', async () => {
    const pages = new PlainHttpPages();
    const p1 = pages.page();
    await pages.clock.advance(5000);
    commitEach(p1.api, 1, 2);
    p1.hide(); //                                  a link is followed: P1 is in the bfcache
    const p2 = pages.page();
    await pages.clock.advance(5000);
    expect(queuedValues(p2.api)).toEqual([1, 2]); //   P2 has taken P1 over
    p2.hide(); //                                  Back
    p1.show();
    commitEach(p1.api, 3); //                      P1 thinks that nobody took it over
    p1.hide(); //                                  Forward
    p2.show();
    await p2.api.push(); //                        pushes 1, 2 and lets go of P1: its destination is deleted
    p2.hide(); //                                  Back
    p1.show();
    await p1.api.push().catch(() => {});
    await pages.clock.advance(600_000);
    for (const page of [p1, pages.page()]) {
      await pages.clock.advance(5000);
      await page.api.push().catch(() => {});
    }
    expect(new Set(pages.delivered)).toEqual(new Set([1, 2, 3]));
  });

  test('doubles one batch at most', async () => {
    const pages = new PlainHttpPages();
    const p1 = pages.page({ maxEntriesPerRequest: 2 });
    await pages.clock.advance(5000);
    commitEach(p1.api, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    p1.hide();
    const p2 = pages.page({ maxEntriesPerRequest: 2 });
    await pages.clock.advance(5000);
    const abort = new AbortController();
    const push = p2.api.push({ signal: abort.signal as never });
    for (let i = 0; i < 200 && pages.delivered.length < 6; i++) await Promise.resolve();
    abort.abort();
    await push.catch(() => {});
    p2.hide();
    p1.show();
    await p1.api.push().catch(() => {});
    const doubles = pages.delivered.length - new Set(pages.delivered).size;
    expect(doubles).toBeLessThanOrEqual(2);
  });

  test('staged values are never committed by two pages', async () => {
    const pages = new PlainHttpPages();
    const p1 = pages.page();
    await pages.clock.advance(5000);
    commitEach(p1.api, 0);
    p1.api.addValue('temperature', 1);
    await pages.clock.advance(1);
    p1.hide();
    const p2 = pages.page();
    await pages.clock.advance(5000);
    expect(p2.api.status()).toMatchObject({ staged: 1, committed: 1 });
    p2.hide();
    p1.show();
    p1.api.commit();
    await p1.api.push();
    p1.hide();
    p2.show();
    p2.api.commit();
    await p2.api.push().catch(() => {});
    expect(pages.delivered.filter((value) => value === 1)).toEqual([1]);
  });
});

test('values staged after a page came back are not discarded', async () => {
  const pages = new PlainHttpPages();
  const p1 = pages.page();
  await pages.clock.advance(5000);
  p1.api.addValue('a', 1);
  await pages.clock.advance(1);
  p1.hide();
  const p2 = pages.page();
  await pages.clock.advance(5000);
  expect(p2.api.status().staged).toBe(1);
  p1.show();
  p1.api.addValue('b', 2);
  const entry = p1.api.commit();
  expect(entry?.values).toEqual([{ fieldId: 'b', value: 2 }]);
});

test('values adopted by another page are not saved again by a page that came back and stages others', async () => {
  const pages = new PlainHttpPages();
  const p1 = pages.page();
  await pages.clock.advance(5000);
  p1.api.addValue('a', 1);
  await pages.clock.advance(1);
  p1.hide();
  const p2 = pages.page();
  await pages.clock.advance(5000);
  expect(p2.api.status().staged).toBe(1);
  p1.show();
  p1.api.addValue('b', 2);
  await pages.clock.advance(1);
  const entry = p1.api.commit();
  expect(entry?.values).toEqual([{ fieldId: 'b', value: 2 }]);
});

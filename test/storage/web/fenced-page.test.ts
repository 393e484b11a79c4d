import { describe, expect, test } from 'vitest';
import { heartbeatKey } from '../../../src/storage/web/records/keys.js';
import { commitEach } from '../../support/builders/api.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { held, received } from '../../support/fakes/fake-server.js';
import { PlainHttpPages, queuedValues } from '../../support/fakes/plain-http-pages.js';
import { PlainOrigin } from '../../support/fakes/web-origins.js';

describe('F28 a fenced page on plain http', () => {
  test('reports the writers that it lost, and goes on under a new id', async () => {
    const origin = new PlainOrigin();
    const ancestor = origin.open();
    ancestor.save(entryOf(ancestor, 1), { clearsStaged: false });
    origin.crash(ancestor);
    const frozen = origin.open();
    await origin.adopt(frozen, { isFirst: true });
    frozen.save(entryOf(frozen, 1), { clearsStaged: false });
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    const before = frozen.id;
    const adopter = origin.open();
    const { entries } = await origin.adoptWhenSilent(adopter);
    expect(new Set(entries.map(({ writer }) => writer))).toEqual(new Set([ancestor.id, before]));
    expect(frozen.check()).toEqual({
      kind: 'fenced',
      writers: new Set([ancestor.id, before]),
      isStagedFenced: false,
    });
    expect(frozen.check()).toBeUndefined();
    expect(frozen.id).not.toBe(before);
    frozen.save(entryOf(frozen, 2), { clearsStaged: false });
    expect((await origin.adopt(adopter, { isFirst: false })).entries).toEqual([]);
    origin.crash(frozen);
    expect(await origin.adopt(origin.open(), { isFirst: true })).toMatchObject({
      entries: [entryOf(frozen, 2)],
      staged: [],
    });
  });

  test('reports that its staged values came back elsewhere', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    origin.dispatch(frozen, 'pagehide');
    expect((await origin.adopt(origin.open(), { isFirst: true })).staged).toEqual([{ fieldId: 'a', value: 1 }]);
    origin.dispatch(frozen, 'pageshow');
    expect(frozen.check()).toMatchObject({ kind: 'fenced', isStagedFenced: true });
  });

  test('is fenced while nothing can be removed too, and leaves its staged values to the next start', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.save(entryOf(frozen, 1), { clearsStaged: false });
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    const adopter = origin.open();
    expect((await origin.adoptWhenSilent(adopter)).entries).toHaveLength(1);
    const { id } = frozen;
    const { localStorage } = origin;
    localStorage.removeItem = () => {
      throw Object.assign(new Error('no'), { name: 'SecurityError' });
    };
    expect(frozen.check()).toEqual({ kind: 'fenced', writers: new Set([id]), isStagedFenced: true });
    expect(frozen.id).not.toBe(id);
    localStorage.removeItem = (key) => void localStorage.items.delete(key);
    adopter.close();
    expect((await origin.adopt(origin.open(), { isFirst: true })).staged).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('is fenced after the other page has sent everything', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.save(entryOf(frozen, 1), { clearsStaged: false });
    const adopter = origin.open();
    const { entries } = await origin.adoptWhenSilent(adopter);
    adopter.remove(entries);
    adopter.close();
    expect(frozen.check()).toMatchObject({ kind: 'fenced' });
  });

  test('is fenced when it is shown again, even where the other page released its staged values', async () => {
    const origin = new PlainOrigin();
    const [hidden, other] = [origin.open(), origin.open()];
    hidden.save(entryOf(hidden, 1), { clearsStaged: false });
    hidden.saveStaged([{ fieldId: 'a', value: 1 }]);
    origin.dispatch(hidden, 'pagehide');
    other.remove((await origin.adopt(other, { isFirst: false })).entries);
    const { id } = hidden;
    origin.dispatch(hidden, 'pageshow');
    expect(hidden.check()).toMatchObject({ kind: 'fenced', writers: new Set([id]) });
  });

  test('that was frozen while it adopted does not return entries that another page adopted', async () => {
    const origin = new PlainOrigin();
    const [left, living, writer] = [origin.open(), origin.open(), origin.open()];
    left.save(entryOf(left, 1), { clearsStaged: false });
    living.save(entryOf(living, 1), { clearsStaged: false });
    origin.crash(left);
    const adoption = writer.adopt({ isFirst: true });
    await origin.clock.advance(1500);
    origin.localStorage.setItem(heartbeatKey(left.id), '@another0000000001');
    expect(writer.check()).toMatchObject({ kind: 'fenced', writers: new Set([left.id]) });
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
  });
});

test('plain http: a commit that a frozen page made just as it was fenced is not lost', async () => {
  const pages = new PlainHttpPages();
  const frozen = pages.page({}, new FakeClock());
  const awake = pages.page();
  await pages.clock.advance(5000);
  commitEach(frozen.api, 1);
  await pages.clock.advance(5 * 60_000);
  expect(queuedValues(awake.api)).toEqual([1]);
  // It wakes with the renderer's old view of localStorage: one stale read of its own life key.
  const writer = (frozen.api.log()[0] as { id: string }).id.split('-')[0] as string;
  const get = pages.localStorage.getItem.bind(pages.localStorage);
  pages.localStorage.getItem = (key) => (key === heartbeatKey(writer) ? ':0000000000000001' : get(key));
  commitEach(frozen.api, 2);
  pages.localStorage.getItem = get;
  await awake.api.push();
  await frozen.api.push().catch(() => {});
  await pages.clock.advance(600_000);
  const later = pages.page();
  await pages.clock.advance(5000);
  for (const page of [awake, later]) await page.api.push();
  expect(pages.delivered).toEqual([1, 2]);
});

test('with stageUnpushedEntries: false, too, fenced entries are not sent again', async () => {
  const pages = new PlainHttpPages();
  const left = pages.page();
  await pages.clock.advance(5000);
  commitEach(left.api, 1, 2, 3, 4, 5);
  left.hide();
  const frozen = pages.page({ stageUnpushedEntries: false, maxEntriesPerRequest: 1 }, undefined);
  await pages.clock.advance(5000);
  expect(queuedValues(frozen.api)).toHaveLength(5);
  frozen.hide();
  const next = pages.page();
  await pages.clock.advance(5000);
  await next.api.push();
  frozen.show();
  await frozen.api.push().catch(() => {});
  expect(pages.delivered).toEqual([1, 2, 3, 4, 5]);
});

test('a push of entries committed after the fencing was noticed is not rejected for it', async () => {
  const pages = new PlainHttpPages();
  const { answer, give } = held();
  const clock = new FakeClock();
  const frozen = pages.page({ requestTimeout: 600 }, clock);
  const awake = pages.page();
  await Promise.all([clock.advance(5000), pages.clock.advance(5000)]);
  pages.server.answerWith(() => answer);
  commitEach(frozen.api, 1);
  const first = frozen.api.push().catch((e: unknown) => e);
  await pages.clock.advance(5 * 60_000);
  expect(queuedValues(awake.api)).toEqual([1]);
  commitEach(frozen.api, 2); // notices, and is this page's own
  const second = frozen.api.push().catch((e: unknown) => e);
  give(received(200));
  pages.server.answerWith(() => received(200));
  await first;
  expect(await second).not.toBeInstanceOf(Error);
});

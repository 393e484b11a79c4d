import { describe, expect, onTestFinished, test } from 'vitest';
import { Api } from '../../../src/index.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { commitEach } from '../../support/builders/api.js';
import { credentials } from '../../support/builders/credentials.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { PlainHttpPages, queuedValues } from '../../support/fakes/plain-http-pages.js';
import { PlainOrigin } from '../../support/fakes/web-origins.js';

describe('adopting a released writer again', () => {
  test('entries adopted and released by close() are adopted by the next Api on the same storage', async () => {
    const pages = new PlainHttpPages();
    const left = pages.page();
    await pages.clock.advance(5000);
    commitEach(left.api, 1);
    left.hide();
    const one = pages.page();
    await pages.clock.advance(5000);
    expect(queuedValues(one.api)).toEqual([1]);
    await one.api.close();
    const two = new Api({ ...credentials, storage: one.storage }, { clock: pages.clock, transport: pages.server });
    onTestFinished(() => two.close());
    await pages.clock.advance(3_600_000);
    expect(queuedValues(two)).toEqual([1]);
  });

  test('a page that lost the race for a writer adopts it once the winner is gone', async () => {
    const pages = new PlainHttpPages();
    const left = pages.page();
    await pages.clock.advance(5000);
    commitEach(left.api, 1);
    left.hide();
    const [a, b] = [pages.page(), pages.page()];
    await pages.clock.advance(5000);
    const [loser, winner] = queuedValues(a.api).length === 0 ? [a, b] : [b, a];
    expect(queuedValues(winner.api)).toEqual([1]);
    winner.hide(); // for good
    await winner.api.close();
    await pages.clock.advance(3_600_000);
    expect(queuedValues(loser.api)).toEqual([1]);
  });
});

describe('F28 two writers of one page on plain http', () => {
  const openTwo = (origin: PlainOrigin) => {
    const storage = webStorage(origin.localStorage, {}, { page: new EventTarget() });
    return [storage.open(destination, origin.clock), storage.open(destination, origin.clock)] as const;
  };

  test('entries released by one writer are adopted by the other', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    origin.crash(left);
    const [one, other] = openTwo(origin);
    expect((await origin.adopt(one, { isFirst: true })).entries).toHaveLength(1);
    one.close();
    expect((await origin.adopt(other, { isFirst: true })).entries).toEqual([entryOf(left, 1)]);
  });

  test('entries left by one writer are adopted by the other, though another page was faster once and crashed', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    origin.crash(left);
    const [, other] = openTwo(origin);
    const faster = origin.open();
    const adoptions = [other.adopt({ isFirst: true }), faster.adopt({ isFirst: true })];
    await origin.clock.advance(5000);
    const [ours, theirs] = await Promise.all(adoptions);
    expect([ours?.entries.length, theirs?.entries.length]).toEqual([0, 1]);
    expect((await origin.adoptWhenSilent(other)).entries).toEqual([entryOf(left, 1)]);
  });
});

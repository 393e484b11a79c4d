import { describe, expect, test } from 'vitest';
import { heartbeatKey } from '../../../src/storage/web/records/keys.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { commitEach } from '../../support/builders/api.js';
import { credentials } from '../../support/builders/credentials.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { PlainHttpPages, queuedValues } from '../../support/fakes/plain-http-pages.js';
import { throttledClock } from '../../support/fakes/throttled-clock.js';
import { PlainOrigin } from '../../support/fakes/web-origins.js';

describe('F28 adoption by heartbeat, on plain http', () => {
  test('adopts the entries of a crashed page after three minutes without a heartbeat', async () => {
    const origin = new PlainOrigin();
    const crashed = origin.open();
    crashed.save(entryOf(crashed, 1), { clearsStaged: false });
    const { entries, seconds } = await origin.adoptWhenSilent(origin.open());
    expect(entries).toEqual([entryOf(crashed, 1)]);
    expect(seconds).toBeGreaterThanOrEqual(180);
    expect(seconds).toBeLessThanOrEqual(240);
  });

  test('never fences a page with a heartbeat once a minute, as hidden pages have', async () => {
    const origin = new PlainOrigin();
    const [hidden, other] = [origin.open(), origin.open()];
    hidden.save(entryOf(hidden, 1), { clearsStaged: false });
    for (let look = 0; look < 20; look++) {
      expect((await origin.adopt(other, { isFirst: false })).entries).toEqual([]);
      await origin.clock.advance(25_000);
      if (look % 2) void hidden.adopt({ isFirst: false });
    }
    expect(hidden.check()).toBeUndefined();
  });

  test('adopts at once the entries of a page that was closed or reloaded', async () => {
    const origin = new PlainOrigin();
    const closed = origin.open();
    closed.save(entryOf(closed, 1), { clearsStaged: false });
    origin.dispatch(closed, 'pagehide');
    const adoption = origin.open().adopt({ isFirst: true });
    await origin.clock.advance(1000);
    expect((await adoption).entries).toEqual([entryOf(closed, 1)]);
  });

  test('a page that comes back from the back/forward cache goes on, if no page adopted its entries', async () => {
    const origin = new PlainOrigin();
    const cached = origin.open();
    cached.save(entryOf(cached, 1), { clearsStaged: false });
    origin.dispatch(cached, 'pagehide');
    origin.dispatch(cached, 'pageshow');
    expect(cached.check()).toBeUndefined();
    expect((await origin.adopt(origin.open(), { isFirst: true })).entries).toEqual([]);
  });

  test('a hidden page writes a heartbeat with each commit', async () => {
    const origin = new PlainOrigin();
    const hidden = origin.open();
    hidden.save(entryOf(hidden, 1), { clearsStaged: false });
    origin.dispatch(hidden, 'pagehide');
    hidden.save(entryOf(hidden, 2), { clearsStaged: false });
    expect((await origin.adopt(origin.open(), { isFirst: true })).entries).toEqual([]);
  });

  test('of two pages that adopt a writer at once, one gets it', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    origin.crash(left);
    const adoptions = [origin.open(), origin.open()].map((writer) => writer.adopt({ isFirst: true }));
    await origin.clock.advance(5000);
    const taken = (await Promise.all(adoptions)).map(({ entries }) => entries.length);
    expect(taken.sort()).toEqual([0, 1]);
  });

  test('no page is fenced after a suspend of all pages', async () => {
    const origin = new PlainOrigin();
    const [one, other] = [origin.open(), origin.open()];
    one.save(entryOf(one, 1), { clearsStaged: false });
    await origin.adopt(other, { isFirst: true });
    await origin.clock.advance(3_600_000);
    expect((await origin.adopt(other, { isFirst: false })).entries).toEqual([]);
  });

  test('an adopter that crashes leaves all entries to the next', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    origin.crash(left);
    await origin.adopt(origin.open(), { isFirst: true });
    const { entries, seconds } = await origin.adoptWhenSilent(origin.open());
    expect(entries).toEqual([entryOf(left, 1)]);
    expect(seconds).toBeGreaterThanOrEqual(180);
  });

  test('adopts in a localStorage that is full', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    origin.crash(left);
    origin.localStorage.capacity = origin.localStorage.units;
    const adopter = origin.open();
    const { entries } = await origin.adopt(adopter, { isFirst: true });
    expect(entries).toEqual([entryOf(left, 1)]);
  });

  test('keeps the number of its tombstones bounded', async () => {
    const origin = new PlainOrigin();
    for (let visit = 0; visit < 200; visit++) {
      const writer = origin.open();
      writer.remove((await origin.adopt(writer, { isFirst: true })).entries);
      writer.save(entryOf(writer, 1), { clearsStaged: false });
      origin.crash(writer);
    }
    expect(origin.localStorage.length).toBeLessThan(60);
  });
});

test('a hidden page whose timers fire once a minute is not fenced while it adopts others', async () => {
  const pages = new PlainHttpPages();
  await pages.clock.advance(58_000);
  const visible = pages.page();
  commitEach(visible.api, 100);
  const hidden = pages.page({}, throttledClock(pages.clock));
  commitEach(hidden.api, 1);
  const leave = (n: number) => {
    const p = webStorage(pages.localStorage, {}, { page: undefined as never }).open(destination2, new FakeClock());
    p.save(entryOf(p, n), { clearsStaged: false });
    p.saveStaged([]);
    pages.localStorage.setItem(heartbeatKey(p.id), '-'.padEnd(17)); // its page was left
  };
  const destination2 = { deviceId: credentials.deviceId.toLowerCase(), baseUrl: 'https://iot.nik-dev.se/api/v1/' };
  let fencedAt = -1;
  for (let second = 0; second < 3600 && fencedAt < 0; second++) {
    // one page is left just before each whole minute
    if ((pages.clock.monotonic() / 1000) % 60 === 59) leave(second + 1000);
    await pages.clock.advance(1000);
    if (visible.api.log().some(({ values }) => values[0]?.value === 1)) fencedAt = second;
  }
  expect(fencedAt).toBe(-1);
});

test('a hidden page without others to adopt is not fenced', async () => {
  const pages = new PlainHttpPages();
  await pages.clock.advance(58_000);
  const visible = pages.page();
  commitEach(visible.api, 100);
  const hidden = pages.page({}, throttledClock(pages.clock));
  commitEach(hidden.api, 1);
  await pages.clock.advance(3_600_000);
  expect(queuedValues(visible.api)).toEqual([100]);
});

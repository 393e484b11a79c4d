import { describe, expect, test } from 'vitest';
import type { AdoptOptions, Writer } from '../../../src/core/ports/storage.js';
import type { WebPlatform } from '../../../src/storage/web/lease/lease.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { type StorageUnderTest, storageContract } from '../../contract/storage-contract.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock, turn } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A page: while it is prerendered its requests and queries of locks wait. */
function openPage(locks: FakeLocks, isPrerendered: boolean) {
  const tab = locks.tab();
  let show = (): void => {};
  const shown = new Promise<void>((resolve) => {
    show = resolve;
  });
  let isPrerendering = isPrerendered;
  const platform: WebPlatform = {
    locks: {
      request: (...request) => (isPrerendering ? shown : Promise.resolve()).then(() => tab.request(...request)),
      query: () => (isPrerendering ? shown : Promise.resolve()).then(() => tab.query()),
    },
    page: new EventTarget(),
    get isPrerendering() {
      return isPrerendering;
    },
  };
  return {
    platform,
    end: () => tab.end(),
    show() {
      isPrerendering = false;
      show();
    },
  };
}

class Origin implements StorageUnderTest {
  readonly localStorage = new FakeWebStorage();
  readonly locks = new FakeLocks();
  readonly clock = new FakeClock();
  readonly #pages = new Map<Writer, ReturnType<typeof openPage>>();

  /** A page that was prerendered, and is shown at once. */
  open(of = destination): Writer {
    const writer = this.prerender(of);
    this.show(writer);
    return writer;
  }

  prerender(of = destination): Writer {
    return this.#open(of, openPage(this.locks, true));
  }

  openUsual(): Writer {
    return this.#open(destination, openPage(this.locks, false));
  }

  #open(of: typeof destination, page: ReturnType<typeof openPage>): Writer {
    const writer = webStorage(this.localStorage, {}, page.platform).open(of, this.clock);
    this.#pages.set(writer, page);
    return writer;
  }

  show(writer: Writer): void {
    this.#pages.get(writer)?.show();
  }

  /** Once the page has its lock. */
  async crash(writer: Writer): Promise<void> {
    await turn();
    this.#pages.get(writer)?.end();
  }

  async adopt(writer: Writer, options: AdoptOptions) {
    const adoption = writer.adopt(options);
    await this.clock.advance(5000);
    return adoption;
  }

  /** Looks every half a minute, as an `Api` does. @returns How many seconds it took until something was found. */
  async secondsUntilAdopted(by: Writer, within: number): Promise<number> {
    for (let seconds = 0; seconds < within; seconds += 30) {
      const { entries } = await this.adopt(by, { isFirst: false });
      if (entries.length > 0) return seconds;
      await this.clock.advance(25 * SECOND);
    }
    return Number.POSITIVE_INFINITY;
  }

  get heartbeats(): string[] {
    return [...this.localStorage.items.keys()].filter((key) => key.endsWith('/life'));
  }
}

storageContract('webStorage in a page that was prerendered', () => new Origin());

describe('F48 a page that is prerendered', () => {
  test('saves at once, and keeps its entries however long it is not shown and others look', async () => {
    const origin = new Origin();
    const prerendered = origin.prerender();
    prerendered.save(entryOf(prerendered, 1), { clearsStaged: false });
    void prerendered.adopt({ isFirst: true });
    expect(await origin.secondsUntilAdopted(origin.openUsual(), 1200)).toBe(Number.POSITIVE_INFINITY);
    expect(prerendered.check()).toBeUndefined();
  });

  test('shows by its lock that it lives once it is shown: its entries are adopted soon after it ends', async () => {
    const origin = new Origin();
    const prerendered = origin.prerender();
    prerendered.save(entryOf(prerendered, 1), { clearsStaged: false });
    expect(origin.heartbeats).toHaveLength(1);
    origin.show(prerendered);
    await turn();
    expect(origin.heartbeats).toEqual([]);
    expect(prerendered.check()).toBeUndefined();
    const other = origin.openUsual();
    expect((await origin.adopt(other, { isFirst: true })).entries).toEqual([]);
    await origin.crash(prerendered);
    expect((await origin.adopt(other, { isFirst: false })).entries).toEqual([entryOf(prerendered, 1)]);
  });

  test('never shown, its entries are adopted three minutes after it ended', async () => {
    const origin = new Origin();
    const discarded = origin.prerender();
    discarded.save(entryOf(discarded, 1), { clearsStaged: false });
    const seconds = await origin.secondsUntilAdopted(origin.openUsual(), 600);
    expect(seconds).toBeGreaterThanOrEqual(180);
    expect(seconds).toBeLessThanOrEqual(240);
  });

  test('adopts nothing before it is shown, then at once', async () => {
    const origin = new Origin();
    const dead = origin.openUsual();
    dead.save(entryOf(dead, 1), { clearsStaged: false });
    await origin.crash(dead);
    const prerendered = origin.prerender();
    let adopted: unknown;
    void prerendered.adopt({ isFirst: true }).then(({ entries }) => {
      adopted = entries;
    });
    await origin.clock.advance(MINUTE);
    expect(adopted).toBeUndefined();
    origin.show(prerendered);
    await origin.clock.advance(5 * SECOND);
    expect(adopted).toEqual([entryOf(dead, 1)]);
  });

  test('frozen for minutes and then shown, it notices that another took its entries, and goes on under a lock of its new id', async () => {
    const origin = new Origin();
    const frozen = origin.prerender();
    frozen.save(entryOf(frozen, 1), { clearsStaged: false });
    const [before, other] = [frozen.id, origin.openUsual()];
    expect(await origin.secondsUntilAdopted(other, 600)).toBeLessThan(600);
    origin.show(frozen);
    await turn();
    expect(frozen.check()).toMatchObject({ kind: 'fenced', writers: new Set([before]) });
    expect(frozen.id).not.toBe(before);
    frozen.save(entryOf(frozen, 2), { clearsStaged: false });
    await turn();
    const third = origin.openUsual();
    expect((await origin.adopt(third, { isFirst: true })).entries).toEqual([]);
    const held = await origin.locks.tab().query();
    expect(held.held?.map(({ name }) => name)).toContain(`nikdev-iot/1/${frozen.id}`);
    await origin.crash(frozen);
    expect((await origin.adopt(third, { isFirst: false })).entries).toEqual([entryOf(frozen, 2)]);
  });

  test('notices that its keys were deleted, and saves them again, before and after it is shown', async () => {
    const origin = new Origin();
    const prerendered = origin.prerender();
    for (const isShown of [false, true]) {
      if (isShown) origin.show(prerendered);
      await turn();
      const entry = entryOf(prerendered, isShown ? 2 : 1);
      prerendered.save(entry, { clearsStaged: false });
      origin.localStorage.items.clear();
      expect(prerendered.check()).toEqual({ kind: 'cleared' });
      prerendered.saveAgain([entry]);
      expect(prerendered.check()).toBeUndefined();
      prerendered.remove([entry]);
    }
  });

  test('closed before it is shown, it leaves its entries to others at once', async () => {
    const origin = new Origin();
    const closed = origin.prerender();
    closed.save(entryOf(closed, 1), { clearsStaged: false });
    closed.close();
    const other = origin.openUsual();
    expect((await origin.adopt(other, { isFirst: true })).entries).toEqual([entryOf(closed, 1)]);
    origin.show(closed);
    await turn();
    expect(other.check()).toBeUndefined();
  });
});

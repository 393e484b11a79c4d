import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { AdoptOptions, Writer } from '../../../src/core/ports/storage.js';
import type { LocksLike } from '../../../src/storage/web/lease/lock-lease.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import type { StorageUnderTest } from '../../contract/storage-contract.js';
import { destination } from '../builders/stored-entry.js';
import { FakeClock } from './fake-clock.js';
import { FakeLocks, FakeWebStorage } from './fake-web.js';

/** An origin with Web Locks: one `localStorage`, and writers in tabs that come and go. */
export class LockedOrigin implements StorageUnderTest {
  readonly localStorage: FakeWebStorage;
  readonly locks = new FakeLocks();
  readonly clock = new FakeClock();
  readonly #tabs = new Map<Writer, LocksLike & { end(): void }>();

  constructor(localStorage = new FakeWebStorage()) {
    this.localStorage = localStorage;
  }

  open(of = destination, options = {}): Writer {
    const tab = this.locks.tab();
    const writer = webStorage(this.localStorage, options, { locks: tab }).open(of, this.clock);
    this.#tabs.set(writer, tab);
    return writer;
  }

  crash(writer: Writer): void {
    this.#tabs.get(writer)?.end();
  }

  async adopt(writer: Writer, options: AdoptOptions) {
    const adoption = writer.adopt(options);
    await this.clock.advance(5000);
    return adoption;
  }
}

/** An origin on plain http, without Web Locks: one `localStorage`, and writers in pages that come and go. */
export class PlainOrigin implements StorageUnderTest {
  readonly localStorage: FakeWebStorage;
  readonly clock = new FakeClock();
  readonly #pages = new Map<Writer, EventTarget>();

  constructor(localStorage = new FakeWebStorage()) {
    this.localStorage = localStorage;
  }

  open(of = destination, clock = this.clock): Writer {
    const page = new EventTarget();
    const writer = webStorage(this.localStorage, {}, { page }).open(of, clock);
    this.#pages.set(writer, page);
    return writer;
  }

  /** Dispatches an event of the page lifecycle. */
  dispatch(writer: Writer, type: 'pagehide' | 'pageshow'): void {
    this.#pages.get(writer)?.dispatchEvent(new Event(type));
  }

  /** Leaves the page for good. */
  crash(writer: Writer): void {
    this.dispatch(writer, 'pagehide');
    this.#pages.delete(writer);
  }

  async adopt(writer: Writer, options: AdoptOptions) {
    const adoption = writer.adopt(options);
    await this.clock.advance(5000);
    return adoption;
  }

  /** Looks for orphans every 30 s, as an `Api` does. @returns The entries adopted, and the seconds that it took. */
  async adoptWhenSilent(writer: Writer): Promise<{ entries: readonly StoredEntry[]; seconds: number }> {
    for (let seconds = 0; seconds < 600; seconds += 30) {
      const { entries } = await this.adopt(writer, { isFirst: seconds === 0 });
      if (entries.length > 0) return { entries, seconds };
      await this.clock.advance(25_000);
    }
    return { entries: [], seconds: Number.POSITIVE_INFINITY };
  }
}

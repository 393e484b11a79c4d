import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/core/time/clock.js';
import { Api, type ApiOptions, isApiException, webStorage } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import type { FileSystem } from '../../src/storage/file/journal/file-system.js';
import { entryKey, heartbeatKey } from '../../src/storage/web/records/keys.js';
import { binding, entryOf } from '../contract/storage-contract.js';
import { credentials } from '../support/credentials.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeMachine, temporaryFolder } from '../support/fake-processes.js';
import { FakeServer, held, received } from '../support/fake-server.js';
import { FakeLocks, FakeWebStorage } from '../support/fake-web.js';
import { commitEach } from '../support/open-api.js';

const valuesOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

/** Pages on plain http of one origin, on one clock. */
class Plain {
  readonly localStorage = new FakeWebStorage();
  readonly clock = new FakeClock();
  readonly server = new FakeServer();
  page(options: Partial<ApiOptions> = {}, clock: Clock = this.clock) {
    const window = new EventTarget();
    const storage = webStorage(this.localStorage, {}, { page: window });
    const api = new Api({ ...credentials, storage, ...options }, { clock, transport: this.server });
    onTestFinished(() => api.close());
    return {
      api,
      storage,
      hide: () => window.dispatchEvent(new Event('pagehide')),
      show: () => window.dispatchEvent(new Event('pageshow')),
    };
  }
  get delivered(): unknown[] {
    return this.server.uploads.flat().map((values) => Object.values((values as object[])[0] ?? {})[0]);
  }
}

describe('back and forward on plain http (bfcache)', () => {
  test('loses no commit', async () => {
    const o = new Plain();
    const p1 = o.page();
    await o.clock.advance(5000);
    commitEach(p1.api, 1, 2);
    p1.hide(); //                                  a link is followed: P1 is in the bfcache
    const p2 = o.page();
    await o.clock.advance(5000);
    expect(valuesOf(p2.api)).toEqual([1, 2]); //   P2 has taken P1 over
    p2.hide(); //                                  Back
    p1.show();
    commitEach(p1.api, 3); //                      P1 thinks that nobody took it over
    p1.hide(); //                                  Forward
    p2.show();
    await p2.api.push(); //                        pushes 1, 2 and lets go of P1: its binding is deleted
    p2.hide(); //                                  Back
    p1.show();
    await p1.api.push().catch(() => {});
    await o.clock.advance(600_000);
    for (const page of [p1, o.page()]) {
      await o.clock.advance(5000);
      await page.api.push().catch(() => {});
    }
    expect(new Set(o.delivered)).toEqual(new Set([1, 2, 3]));
  });

  test('doubles one batch at most', async () => {
    const o = new Plain();
    const p1 = o.page({ maxEntriesPerRequest: 2 });
    await o.clock.advance(5000);
    commitEach(p1.api, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    p1.hide();
    const p2 = o.page({ maxEntriesPerRequest: 2 });
    await o.clock.advance(5000);
    const abort = new AbortController();
    const push = p2.api.push({ signal: abort.signal as never });
    for (let i = 0; i < 200 && o.delivered.length < 6; i++) await Promise.resolve();
    abort.abort();
    await push.catch(() => {});
    p2.hide();
    p1.show();
    await p1.api.push().catch(() => {});
    const doubles = o.delivered.length - new Set(o.delivered).size;
    expect(doubles).toBeLessThanOrEqual(2);
  });

  test('staged values are never committed by two pages', async () => {
    const o = new Plain();
    const p1 = o.page();
    await o.clock.advance(5000);
    commitEach(p1.api, 0);
    p1.api.addValue('temperature', 1);
    await o.clock.advance(1);
    p1.hide();
    const p2 = o.page();
    await o.clock.advance(5000);
    expect(p2.api.status()).toMatchObject({ staged: 1, committed: 1 });
    p2.hide();
    p1.show();
    p1.api.commit();
    await p1.api.push();
    p1.hide();
    p2.show();
    p2.api.commit();
    await p2.api.push().catch(() => {});
    expect(o.delivered.filter((value) => value === 1)).toEqual([1]);
  });
});

describe('a room that still counts a writer that it gave up', () => {
  test('what an Api adopted and gave back by close(), the next Api on the same storage adopts', async () => {
    const o = new Plain();
    const left = o.page();
    await o.clock.advance(5000);
    commitEach(left.api, 1);
    left.hide();
    const one = o.page();
    await o.clock.advance(5000);
    expect(valuesOf(one.api)).toEqual([1]);
    await one.api.close();
    const two = new Api({ ...credentials, storage: one.storage }, { clock: o.clock, transport: o.server });
    onTestFinished(() => two.close());
    await o.clock.advance(3_600_000);
    expect(valuesOf(two)).toEqual([1]);
  });

  test('a page that lost the race for a writer adopts it once the winner is gone', async () => {
    const o = new Plain();
    const left = o.page();
    await o.clock.advance(5000);
    commitEach(left.api, 1);
    left.hide();
    const [a, b] = [o.page(), o.page()];
    await o.clock.advance(5000);
    const [loser, winner] = valuesOf(a.api).length === 0 ? [a, b] : [b, a];
    expect(valuesOf(winner.api)).toEqual([1]);
    winner.hide(); // for good
    await winner.api.close();
    await o.clock.advance(3_600_000);
    expect(valuesOf(loser.api)).toEqual([1]);
  });
});

/** What a hidden page has for a clock: timers fire once a minute. */
function throttled(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    random: () => clock.random(),
    setTimer: (run, ms, background) => {
      const due = Math.ceil((clock.monotonic() + ms) / 60_000) * 60_000;
      return clock.setTimer(run, due - clock.monotonic(), background);
    },
  };
}

test('a hidden page whose timers fire once a minute is not robbed while it takes others over', async () => {
  const o = new Plain();
  await o.clock.advance(58_000);
  const visible = o.page();
  commitEach(visible.api, 100);
  const hidden = o.page({}, throttled(o.clock));
  commitEach(hidden.api, 1);
  const leave = (n: number) => {
    const p = webStorage(o.localStorage, {}, { page: undefined as never }).open(binding2, new FakeClock());
    p.save(entryOf(p, n), false);
    p.saveStaged([]);
    o.localStorage.setItem(heartbeatKey(p.id), '-'.padEnd(17)); // its page was left
  };
  const binding2 = { deviceId: credentials.deviceId.toLowerCase(), baseUrl: 'https://iot.nik-dev.se/api/v1/' };
  let robbed = -1;
  for (let second = 0; second < 3600 && robbed < 0; second++) {
    // one page is left just before each whole minute
    if ((o.clock.monotonic() / 1000) % 60 === 59) leave(second + 1000);
    await o.clock.advance(1000);
    if (visible.api.log().some(({ values }) => values[0]?.value === 1)) robbed = second;
  }
  expect(robbed).toBe(-1);
});

class Refusing extends FakeWebStorage {
  refuse = (_call: string, _key: string): boolean => false;
  #check(call: string, key = ''): void {
    if (this.refuse(call, key)) throw Object.assign(new Error('denied'), { name: 'SecurityError' });
  }
  override get length(): number {
    this.#check('length');
    return super.length;
  }
  override key(i: number) {
    this.#check('key');
    return super.key(i);
  }
  override getItem(k: string) {
    this.#check('getItem', k);
    return super.getItem(k);
  }
  override setItem(k: string, v: string) {
    this.#check('setItem', k);
    super.setItem(k, v);
  }
  override removeItem(k: string) {
    this.#check('removeItem', k);
    super.removeItem(k);
  }
}

describe('localStorage that is withdrawn while the page runs', () => {
  for (const locks of [true, false]) {
    test(`commit throws a StorageException, push sends what is in memory (${locks ? 'locks' : 'plain http'})`, async () => {
      const clock = new FakeClock();
      const local = new Refusing();
      const server = new FakeServer();
      const platform = locks ? { locks: new FakeLocks().tab() } : { page: new EventTarget() };
      const api = new Api({ ...credentials, storage: webStorage(local, {}, platform) }, { clock, transport: server });
      onTestFinished(() => api.close());
      await clock.advance(5000);
      commitEach(api, 1);
      local.refuse = () => true;
      api.addValue('temperature', 2);
      let thrown: unknown;
      try {
        api.commit();
      } catch (error) {
        thrown = error;
      }
      const result = await api.push().catch((error: unknown) => error);
      expect.soft(isApiException(thrown)).toBe(true);
      expect.soft(result).toMatchObject({ pushed: 1 });
    });
  }
});

test('one failure while taking over strands nothing for the life of the page', async () => {
  const clock = new FakeClock();
  const local = new Refusing();
  const locks = new FakeLocks();
  const server = new FakeServer();
  const tab = locks.tab();
  const left = webStorage(local, {}, { locks: tab }).open(
    { deviceId: credentials.deviceId.toLowerCase(), baseUrl: binding.baseUrl },
    clock,
  );
  left.save(entryOf(left, 1), false);
  tab.end();
  const api = new Api(
    { ...credentials, storage: webStorage(local, {}, { locks: locks.tab() }) },
    { clock, transport: server },
  );
  onTestFinished(() => api.close());
  await clock.advance(1050); // the lock is taken; it settles
  local.refuse = (call) => call === 'length' || call === 'key';
  await clock.advance(200);
  local.refuse = () => false;
  await clock.advance(3_600_000);
  expect(api.status().committed).toBe(1);
});

test('a change of a dead tab that arrives after it was taken over is not cut off from its binding', async () => {
  const clock = new FakeClock();
  const local = new FakeWebStorage();
  const locks = new FakeLocks();
  const tab = locks.tab();
  const left = webStorage(local, {}, { locks: tab }).open(binding, clock);
  left.save(entryOf(left, 1), false);
  const late = entryOf(left, 2);
  left.save(late, false);
  const record = local.getItem(entryKey(left.id, 2)) as string;
  local.removeItem(entryKey(left.id, 2)); // not yet here
  tab.end();
  const next = webStorage(local, {}, { locks: locks.tab() }).open(binding, clock);
  const adoption = next.adopt(true);
  await clock.advance(5000);
  local.setItem(entryKey(left.id, 2), record); // now it is
  const { entries } = await adoption;
  next.remove(entries);
  next.close();
  const last = webStorage(local, {}, { locks: locks.tab() }).open(binding, clock);
  const again = last.adopt(true);
  await clock.advance(5000);
  const result = await again;
  expect(result.entries).toEqual([late]);
});

test('plain http: a commit that a frozen page made just as it was taken over is not lost', async () => {
  const o = new Plain();
  const frozen = o.page({}, new FakeClock());
  const awake = o.page();
  await o.clock.advance(5000);
  commitEach(frozen.api, 1);
  await o.clock.advance(5 * 60_000);
  expect(valuesOf(awake.api)).toEqual([1]);
  // It wakes with the renderer's old view of localStorage: one stale read of its own life key.
  const writer = (frozen.api.log()[0] as { id: string }).id.split('-')[0] as string;
  const get = o.localStorage.getItem.bind(o.localStorage);
  o.localStorage.getItem = (key) => (key === heartbeatKey(writer) ? ':0000000000000001' : get(key));
  commitEach(frozen.api, 2);
  o.localStorage.getItem = get;
  await awake.api.push();
  await frozen.api.push().catch(() => {});
  await o.clock.advance(600_000);
  const later = o.page();
  await o.clock.advance(5000);
  for (const page of [awake, later]) await page.api.push();
  expect(o.delivered).toEqual([1, 2]);
});

test('what is staged after a page came back is not thrown away', async () => {
  const o = new Plain();
  const p1 = o.page();
  await o.clock.advance(5000);
  p1.api.addValue('a', 1);
  await o.clock.advance(1);
  p1.hide();
  const p2 = o.page();
  await o.clock.advance(5000);
  expect(p2.api.status().staged).toBe(1);
  p1.show();
  p1.api.addValue('b', 2);
  const entry = p1.api.commit();
  expect(entry?.values).toEqual([{ fieldId: 'b', value: 2 }]);
});

test('what another page has staged is not saved again by one that came back and stages something else', async () => {
  const o = new Plain();
  const p1 = o.page();
  await o.clock.advance(5000);
  p1.api.addValue('a', 1);
  await o.clock.advance(1);
  p1.hide();
  const p2 = o.page();
  await o.clock.advance(5000);
  expect(p2.api.status().staged).toBe(1);
  p1.show();
  p1.api.addValue('b', 2);
  await o.clock.advance(1);
  const entry = p1.api.commit();
  expect(entry?.values).toEqual([{ fieldId: 'b', value: 2 }]);
});

test('without pages to take over it is not robbed', async () => {
  const o = new Plain();
  await o.clock.advance(58_000);
  const visible = o.page();
  commitEach(visible.api, 100);
  const hidden = o.page({}, throttled(o.clock));
  commitEach(hidden.api, 1);
  await o.clock.advance(3_600_000);
  expect(valuesOf(visible.api)).toEqual([100]);
});

/** A process whose file system can be told to fail. */
function failing(machine: FakeMachine) {
  const process = machine.start();
  const broken: Partial<FileSystem> = {};
  const proxied = new Proxy(process.fs, { get: (real, name) => Reflect.get(broken, name) ?? Reflect.get(real, name) });
  return { broken, platform: { ...process, fs: proxied }, kill: () => process.kill() };
}
const error = (code: string): Error => Object.assign(new Error(code), { code });

describe('a rewriting that fails for lack of room', () => {
  async function setUp() {
    const folder = temporaryFolder();
    const { broken, platform } = failing(new FakeMachine());
    const clock = new FakeClock();
    const writer = fileStorage(folder, { durability: 'process' }, platform).open(binding, clock);
    // The disk has 32 KiB left for a second file.
    const temporaries = new Set<unknown>();
    broken.openSync = ((path: string, flags: string) => {
      const fd = fs.openSync(path, flags);
      if (path.endsWith('.tmp')) temporaries.add(fd);
      else temporaries.delete(fd);
      return fd;
    }) as FileSystem['openSync'];
    broken.writeSync = ((fd: number, data: Buffer, ...rest: number[]) => {
      if (!temporaries.has(fd)) return fs.writeSync(fd, data, ...rest);
      if (fs.fstatSync(fd).size > 0) throw error('ENOSPC');
      return fs.writeSync(fd, data, 0, Math.min(data.length, 32 * 1024));
    }) as FileSystem['writeSync'];
    const entries = Array.from({ length: 300 }, (_, index) => entryOf(writer, index + 1, 'x'.repeat(1000)));
    for (const entry of entries) writer.save(entry, false);
    for (const entry of entries.slice(0, 250)) writer.remove([entry]);
    return { folder, writer, entries };
  }
  const left = (folder: string) =>
    fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.tmp'))
      .map((name) => fs.statSync(join(folder, name)).size);

  test('holds none of the room that is missing', async () => {
    const { folder } = await setUp();
    expect(left(folder)).toEqual([]);
  });

  test('leaves nothing behind for ever', async () => {
    const { folder, writer, entries } = await setUp();
    writer.close();
    const next = fileStorage(folder, {}, new FakeMachine().start()).open(binding, new FakeClock());
    const { entries: adopted } = await next.adopt(true);
    expect(adopted).toHaveLength(50);
    next.remove(adopted);
    next.close();
    void entries;
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

test('close() deletes no file that others put under the path of its own', async () => {
  const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const clock = new FakeClock();
  const machine = new FakeMachine();
  const process = machine.start();
  const writer = fileStorage(folder, {}, process).open(binding, clock);
  writer.save(entryOf(writer, 1), false);
  const [name] = fs.readdirSync(folder) as [string];
  // A backup with entries of an earlier run is put back under this name, as mv or rsync do.
  const other = fileStorage(elsewhere, {}, machine.start()).open(binding, clock);
  other.save(entryOf(other, 1), false);
  fs.renameSync(join(elsewhere, fs.readdirSync(elsewhere)[0] as string), join(folder, name));
  writer.remove([entryOf(writer, 1)]);
  writer.close();
  process.kill();
  const next = fileStorage(folder, {}, machine.start()).open(binding, clock);
  expect((await next.adopt(true)).entries).toEqual([entryOf(other, 1)]);
});

describe('one journal that cannot be written', () => {
  test('keeps nothing from being forgotten in the others', async () => {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const clock = new FakeClock();
    const dead = machine.start();
    const left = fileStorage(folder, {}, dead).open(binding, clock);
    left.save(entryOf(left, 1), false);
    left.save(entryOf(left, 2), false);
    dead.kill();
    const { broken, platform, kill } = failing(machine);
    const writer = fileStorage(folder, {}, platform).open(binding, clock);
    const { entries } = await writer.adopt(true);
    expect(entries).toHaveLength(2);
    const own = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    for (const entry of own) writer.save(entry, false);
    const adoptedPath = fs
      .readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => /journal$/.test(path))
      .find((path) => fs.readFileSync(path, 'utf8').includes(left.id)) as string;
    const ino = fs.statSync(adoptedPath).ino;
    broken.writeSync = ((fd: number, ...rest: [string]) => {
      if (fs.fstatSync(fd).ino === ino) throw error('EIO');
      return fs.writeSync(fd, ...rest);
    }) as FileSystem['writeSync'];
    expect(() => writer.remove([entries[0] as never, own[0] as never])).toThrow();
    kill();
    const next = fileStorage(folder, {}, machine.start()).open(binding, clock);
    const again = await next.adopt(true);
    // own 1 was acknowledged, and its own journal could be written all the time
    expect(again.entries.filter(({ writer: id }) => id === writer.id).map(({ sequence }) => sequence)).toEqual([2, 3]);
  });
});

test('close() releases everything though the storage refuses for a moment', async () => {
  const clock = new FakeClock();
  const local = new Refusing();
  const listeners = new Set<() => void>();
  const page = {
    addEventListener: (_type: string, listener: () => void): void => void listeners.add(listener),
    removeEventListener: (_type: string, listener: () => void): void => void listeners.delete(listener),
  };
  for (let n = 0; n < 3; n++) {
    const window = new EventTarget();
    const left = webStorage(local, {}, { page: window }).open(binding, clock);
    left.save(entryOf(left, 1), false);
    window.dispatchEvent(new Event('pagehide'));
  }
  const writer = webStorage(local, {}, { page }).open(binding, clock);
  const adoption = writer.adopt(true);
  await clock.advance(5000);
  expect((await adoption).entries).toHaveLength(3);
  local.refuse = () => true;
  expect(listeners.size).toBeGreaterThan(0);
  writer.close();
  local.refuse = () => false;
  expect(listeners.size).toBe(0);
});

test('a listener that closes the Api in the middle of a commit: the entry is there for the next one', async () => {
  const folder = temporaryFolder();
  const clock = new FakeClock();
  const platform = new FakeMachine().start();
  const server = new FakeServer();
  const storage = fileStorage(folder, { durability: 'process' }, platform);
  const api = new Api(
    { ...credentials, storage, maxQueuedEntries: 1, overflow: 'drop-oldest' },
    { clock, transport: server },
  );
  await api.ready;
  api.on('drop', () => void api.close());
  commitEach(api, 1);
  let returned: unknown;
  api.addValue('temperature', 2);
  try {
    returned = api.commit();
  } catch {}
  if (returned === undefined) return; // refusing would be right, too
  const next = new Api({ ...credentials, storage }, { clock, transport: server });
  onTestFinished(() => next.close());
  await clock.advance(600_000);
  expect(valuesOf(next)).toContain(2);
});

test('with stageUnpushedEntries: false, too, what another took over is not sent again', async () => {
  const o = new Plain();
  const left = o.page();
  await o.clock.advance(5000);
  commitEach(left.api, 1, 2, 3, 4, 5);
  left.hide();
  const frozen = o.page({ stageUnpushedEntries: false, maxEntriesPerRequest: 1 }, undefined);
  await o.clock.advance(5000);
  expect(valuesOf(frozen.api)).toHaveLength(5);
  frozen.hide();
  const next = o.page();
  await o.clock.advance(5000);
  await next.api.push();
  frozen.show();
  await frozen.api.push().catch(() => {});
  expect(o.delivered).toEqual([1, 2, 3, 4, 5]);
});

test('room made in a journal of an earlier run is synced before it is cut: what that run had synced stays', async () => {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const dead = machine.start();
  const left = fileStorage(folder, { durability: 'power' }, dead).open(binding, clock);
  const entries = [1, 2, 3, 4, 5, 6].map((sequence) => entryOf(left, sequence));
  for (const entry of entries) left.save(entry, false);
  dead.kill();
  const { broken, platform } = failing(machine);
  const calls: string[] = [];
  const writer = fileStorage(folder, { durability: 'process' }, platform).open(binding, clock);
  await writer.adopt(true);
  let isFull = true;
  const real: Pick<FileSystem, 'fsyncSync' | 'fdatasyncSync' | 'ftruncateSync'> = fs;
  for (const name of ['fsyncSync', 'fdatasyncSync', 'ftruncateSync'] as const) {
    broken[name] = ((...args: [number]) => {
      calls.push(name);
      return real[name](...args);
    }) as never;
  }
  broken.writeSync = ((fd: number, data: unknown, ...rest: number[]) => {
    if (typeof data === 'string' && isFull) throw error('ENOSPC');
    calls.push(rest.length === 3 && rest[2] !== null ? 'overwrite' : 'write');
    return (fs.writeSync as (...a: unknown[]) => number)(fd, data, ...rest);
  }) as FileSystem['writeSync'];
  writer.remove(entries.slice(0, 3));
  isFull = false;
  const overwrite = calls.lastIndexOf('overwrite');
  expect(overwrite).toBeGreaterThanOrEqual(0);
  const after = calls.slice(overwrite + 1);
  const cut = after.indexOf('ftruncateSync');
  expect(after.slice(0, cut).some((name) => name.includes('sync'))).toBe(true);
});

test('what was deleted underneath is saved again by close(), too', async () => {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const api = new Api(
    { ...credentials, storage: fileStorage(folder, {}, machine.start()) },
    { clock, transport: new FakeServer() },
  );
  await api.ready;
  commitEach(api, 1);
  for (const name of fs.readdirSync(folder)) fs.unlinkSync(join(folder, name));
  await api.close();
  const next = new Api(
    { ...credentials, storage: fileStorage(folder, {}, machine.start()) },
    { clock, transport: new FakeServer() },
  );
  onTestFinished(() => next.close());
  await next.ready;
  expect(valuesOf(next)).toEqual([1]);
});

test('what was deleted underneath is saved again once by a close() that aborts a push', async () => {
  const folder = temporaryFolder();
  const server = new FakeServer(() => held().answer);
  const api = new Api(
    { ...credentials, storage: fileStorage(folder, {}, new FakeMachine().start()) },
    { clock: new FakeClock(), transport: server },
  );
  await api.ready;
  commitEach(api, 1);
  const push = api.push();
  for (const name of fs.readdirSync(folder)) fs.unlinkSync(join(folder, name));
  await api.close();
  await expect(push).rejects.toMatchObject({ retainedData: true });
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  // A second file would be in the name of this process, which lives: nobody else would push it.
  expect(fs.readdirSync(folder)).toEqual([expect.stringMatching(/_free_\w+\.journal$/)]);
});

test('a push of what was committed after a takeover was noticed is not rejected for it', async () => {
  const o = new Plain();
  const { answer, give } = held();
  const clock = new FakeClock();
  const frozen = o.page({ requestTimeout: 86_400 }, clock);
  const awake = o.page();
  await Promise.all([clock.advance(5000), o.clock.advance(5000)]);
  o.server.answerWith(() => answer);
  commitEach(frozen.api, 1);
  const first = frozen.api.push().catch((e: unknown) => e);
  await o.clock.advance(5 * 60_000);
  expect(valuesOf(awake.api)).toEqual([1]);
  commitEach(frozen.api, 2); // notices, and is this page's own
  const second = frozen.api.push().catch((e: unknown) => e);
  give(received(200));
  o.server.answerWith(() => received(200));
  await first;
  expect(await second).not.toBeInstanceOf(Error);
});

test('restore that fails says how much is queued, and what to do, as it then is', () => {
  const api = new Api({ ...credentials, maxQueuedEntries: 3 }, { clock: new FakeClock(), transport: new FakeServer() });
  onTestFinished(() => api.close());
  commitEach(api, 1);
  const entries = [2, 3, 4].map((value) => ({ id: `x-${value}`, timestamp: 1, values: [{ fieldId: 'a', value }] }));
  expect(() => api.restore(entries)).toThrow('safe: 1 ');
});

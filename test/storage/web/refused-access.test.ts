import { describe, expect, onTestFinished, test } from 'vitest';
import { Api, isApiException } from '../../../src/index.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { commitEach } from '../../support/builders/api.js';
import { credentials } from '../../support/builders/credentials.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeServer } from '../../support/fakes/fake-server.js';
import { FakeLocks } from '../../support/fakes/fake-web.js';
import { RefusingWebStorage } from '../../support/fakes/refusing-web-storage.js';

describe('localStorage that is withdrawn while the page runs', () => {
  for (const locks of [true, false]) {
    test(`commit throws a StorageException, push sends the entries in memory (${locks ? 'locks' : 'plain http'})`, async () => {
      const clock = new FakeClock();
      const local = new RefusingWebStorage();
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

test('a failure during an adoption strands no entry', async () => {
  const clock = new FakeClock();
  const local = new RefusingWebStorage();
  const locks = new FakeLocks();
  const server = new FakeServer();
  const tab = locks.tab();
  const left = webStorage(local, {}, { locks: tab }).open(
    { deviceId: credentials.deviceId.toLowerCase(), baseUrl: destination.baseUrl },
    clock,
  );
  left.save(entryOf(left, 1), { clearsStaged: false });
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

test('close() releases everything though the storage fails meanwhile', async () => {
  const clock = new FakeClock();
  const local = new RefusingWebStorage();
  const listeners = new Set<() => void>();
  const page = {
    addEventListener: (_type: string, listener: () => void): void => void listeners.add(listener),
    removeEventListener: (_type: string, listener: () => void): void => void listeners.delete(listener),
  };
  for (let n = 0; n < 3; n++) {
    const window = new EventTarget();
    const left = webStorage(local, {}, { page: window }).open(destination, clock);
    left.save(entryOf(left, 1), { clearsStaged: false });
    window.dispatchEvent(new Event('pagehide'));
  }
  const writer = webStorage(local, {}, { page }).open(destination, clock);
  const adoption = writer.adopt({ isFirst: true });
  await clock.advance(5000);
  expect((await adoption).entries).toHaveLength(3);
  local.refuse = () => true;
  expect(listeners.size).toBeGreaterThan(0);
  writer.close();
  local.refuse = () => false;
  expect(listeners.size).toBe(0);
});

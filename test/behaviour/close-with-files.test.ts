import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Api } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { commitEach } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeMachine } from '../support/fakes/fake-machine.js';
import { FakeServer, held } from '../support/fakes/fake-server.js';
import { queuedValues } from '../support/fakes/plain-http-pages.js';

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
  api.on('discard', () => void api.close());
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
  expect(queuedValues(next)).toContain(2);
});

test('entries whose file was deleted are saved again by close()', async () => {
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
  expect(queuedValues(next)).toEqual([1]);
});

test('entries whose file was deleted are saved again once by a close() that aborts a push', async () => {
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

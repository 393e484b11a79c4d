import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { type Api, type ApiOptions, memoryStorage, type PushException, type StorageAdapter } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const AT_ONCE = 16;

const deviceId = (device: number): string => `11111111-1111-4111-8111-${String(device).padStart(12, '0')}`;

/** A process with an `Api` for each of many devices. */
function setUp(devices: number, storage: StorageAdapter, more: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const environment = new FakeEnvironment(AT_ONCE);
  const apis = Array.from({ length: devices }, (_, device) => {
    const options = { deviceId: deviceId(device), storage, autoPush: { everySeconds: 60 }, ...more };
    return openApi(options, { clock, transport: server, environment });
  });
  return { clock, server, apis, environment };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gateway-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const commitOne = (api: Api | undefined, number: number): void => void (api && commitEach(api, number));

describe('a gateway with an Api for each of its devices', () => {
  test('that all commit in the same second uploads through the whole minute, not all at once', async () => {
    const path = folder();
    const { clock, server, apis } = setUp(600, fileStorage(path, { durability: 'process' }));
    const bySecond: number[] = [];
    for (let minute = 0; minute < 2; minute++) {
      for (const api of apis) commitOne(api, minute);
      for (let second = 0; second < 60; second++) {
        const before = server.requests.length;
        await clock.advance(SECOND);
        bySecond.push(server.requests.length - before);
      }
    }
    // 10 a second on average.
    expect(Math.max(...bySecond)).toBeLessThan(40);
    expect(server.requests).toHaveLength(1200);
    expect(apis.every((api) => api.status().committed === 0)).toBe(true);
    expect(readdirSync(path)).toHaveLength(1);
  });

  test('has at most 16 uploads in flight, and each device gets a slot', async () => {
    const { clock, server, apis } = setUp(100, memoryStorage());
    server.answerWith(() => after(clock, 100, received(200)));
    for (const api of apis) commitOne(api, 1);
    const pushes = apis.map((api) => api.push());
    await clock.advance(MINUTE);
    expect(server.mostUnderWay).toBe(AT_ONCE);
    expect(await Promise.all(pushes)).toEqual(apis.map(() => ({ pushed: 1, requests: 1, expired: 0 })));
    const devices = server.requests.map(({ headers }) => headers['x-device-id']);
    expect(devices).toEqual([...devices].sort());
  });

  test('F55 a server that hangs does not hold up the uploads to another one', async () => {
    const isDead = ({ url }: TransportRequest): boolean => url.startsWith('https://dead.example/');
    const { clock, server, apis, environment } = setUp(500, memoryStorage(), { baseUrl: 'https://dead.example/' });
    server.answerWith((request) =>
      isDead(request) ? after(clock, 10 * SECOND, { received: false, reason: 'timeout' }) : received(200),
    );
    const well = openApi({ deviceId: deviceId(500) }, { clock, transport: server, environment });
    for (const api of [...apis, well]) commitOne(api, 1);
    void Promise.allSettled(apis.map((api) => api.push()));
    const stored = well.push();
    await clock.advance(0);
    expect(await stored).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('a push that waits for a slot also sends entries committed meanwhile, with the time at sending', async () => {
    const { clock, server, apis, others, release } = await setUpFull();
    const [late] = apis;
    commitOne(late, 1);
    const push = late?.push();
    await clock.advance(5 * SECOND);
    commitOne(late, 2);
    expect(server.requests).toHaveLength(AT_ONCE);
    expect(late?.status().pushing).toBe(true);
    release();
    await others;
    await push;
    expect(server.uploads.at(-1)).toHaveLength(1);
    const { clientTimestamp } = JSON.parse(server.requests.at(AT_ONCE)?.body ?? '{}');
    expect(clientTimestamp).toBe(Math.floor(clock.now() / 1000));
  });

  test('a push that waits for a slot ends at once by its signal or by close(), and takes no slot then', async () => {
    const { server, apis, others, release } = await setUpFull();
    const [aborted, closed, patient] = apis;
    const controller = new AbortController();
    const failures: PushException[] = [];
    for (const api of [aborted, closed]) {
      commitOne(api, 1);
      void pushFailure((api as Api).push({ signal: controller.signal })).then((failure) => failures.push(failure));
    }
    commitOne(patient, 1);
    const last = patient?.push();
    await closed?.close();
    await turn();
    expect(failures).toMatchObject([{ message: expect.stringContaining('was closed') }]);
    controller.abort();
    await turn();
    expect(failures).toMatchObject([{}, { message: expect.stringContaining('aborted by its signal') }]);
    expect(aborted?.status()).toMatchObject({ committed: 1, pushing: false });
    release();
    await others;
    await last;
    expect(server.requests).toHaveLength(AT_ONCE + 1);
  });
});

/** A gateway whose every slot is taken by an upload that is not answered before `release()`; three more devices wait. */
async function setUpFull() {
  const { answer, give } = held();
  const { clock, server, apis } = setUp(AT_ONCE + 3, memoryStorage());
  server.answerWith(() => answer);
  const busy = apis.splice(0, AT_ONCE);
  for (const api of busy) commitOne(api, 1);
  const others = Promise.all(busy.map((api) => api.push()));
  await turn();
  return { clock, server, apis, others, release: () => give(received(200)) };
}

function after(clock: FakeClock, milliseconds: number, answer: Answer): Promise<Answer> {
  return new Promise((resolve) => clock.setTimer(() => resolve(answer), milliseconds));
}

import { describe, expect, test } from 'vitest';
import { Api, isApiException, memoryStorage } from '../../src/index.js';
import { webStorage } from '../../src/storage/web-storage.js';
import { credentials } from '../support/credentials.js';
import { FakeClock, turn } from '../support/fake-clock.js';
import { FakeServer, held, received } from '../support/fake-server.js';
import { FakeWebStorage } from '../support/fake-web.js';
import { commitEach } from '../support/open-api.js';

function setUp() {
  const clock = new FakeClock();
  const server = new FakeServer();
  const storage = memoryStorage();
  const open = (): Api => new Api({ ...credentials, storage }, { clock, transport: server });
  return { clock, server, open };
}

describe('close()', () => {
  test.each<[string, (api: Api) => unknown]>([
    ['addValue', (api) => api.addValue('a', 1)],
    ['addValues', (api) => api.addValues({ a: 1 })],
    ['commit', (api) => api.commit()],
    ['push', (api) => api.push()],
    ['commitAndPush', (api) => api.commitAndPush()],
    ['reset', (api) => api.reset()],
    ['resetUnpushedEntries', (api) => api.resetUnpushedEntries()],
    ['restore', (api) => api.restore([])],
    ['setApiKey', (api) => api.setApiKey(credentials.apiKey)],
    ['get', (api) => api.get('a')],
    ['testConnection', (api) => api.testConnection()],
    ['watch', (api) => api.watch('a')],
    ['on', (api) => api.on('push', () => {})],
  ])('after it %s throws an ApiException that says so', async (_name, call) => {
    const api = setUp().open();
    await api.close();
    const exception = await Promise.resolve(api)
      .then(call)
      .catch((error: unknown) => error);
    expect(isApiException(exception)).toBe(true);
    expect((exception as Error).message).toMatch(/This Api is closed/);
  });

  test('status, log and close itself still answer', async () => {
    const api = setUp().open();
    api.addValue('a', 1);
    const entry = api.commit();
    await api.close();
    await api.close();
    expect(api.log()).toEqual([entry]);
    expect(api.status()).toMatchObject({ committed: 1 });
  });

  test('F19 what was deleted underneath is saved again before it is left to the next run', async () => {
    const { clock, server } = setUp();
    const localStorage = new FakeWebStorage();
    const open = (): Api =>
      new Api(
        { ...credentials, storage: webStorage(localStorage, {}, { page: new EventTarget() }) },
        { clock, transport: server },
      );
    server.answerWith(() => held().answer);
    const api = open();
    const [entry] = commitEach(api, 1);
    const push = api.push();
    localStorage.items.clear();
    await api.close();
    await expect(push).rejects.toMatchObject({ retainedData: true });
    const next = open();
    await clock.advance(5000);
    expect(next.log()).toEqual([entry]);
  });

  test('a push under way is rejected at once, keeps its entries, and the next run pushes them', async () => {
    const { server, open } = setUp();
    server.answerWith(() => held().answer);
    const api = open();
    api.addValue('a', 1);
    api.commit();
    const push = api.push();
    await api.close();
    await expect(push).rejects.toMatchObject({
      name: 'PushException',
      retainedData: true,
      message: expect.stringMatching(/^Bad luck: .*closed/),
    });
    server.answerWith(() => received(200));
    const next = open();
    await next.ready;
    expect(await next.push()).toEqual({ pushed: 1, requests: 1 });
  });

  test('a get under way is rejected at once', async () => {
    const { server, open } = setUp();
    server.answerWith(() => held().answer);
    const api = open();
    const get = api.get('a');
    await turn();
    await api.close();
    await expect(get).rejects.toMatchObject({
      name: 'GetException',
      message: expect.stringMatching(/^Bad luck: .*closed/),
    });
    expect(server.underWay).toBe(0);
  });

  test('values staged in the very same task are staged again in the next run', async () => {
    const { open } = setUp();
    const api = open();
    api.addValue('a', 1);
    await api.close();
    const next = open();
    await next.ready;
    expect(next.status().staged).toBe(1);
  });

  test('no timer is left', async () => {
    const { clock, open } = setUp();
    const api = open();
    await api.ready;
    await api.close();
    expect(clock.timers).toBe(0);
  });
});

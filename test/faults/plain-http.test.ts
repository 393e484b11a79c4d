import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ApiOptions } from '../../src/index.js';
import { getFailure, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { replyJson, StubFetch } from '../support/fakes/stub-fetch.js';

const FORGED = /plain http anyone on the network can forge this answer, so no entry is discarded.*use https/;

describe('a forged rejection of the credentials over plain http from another machine', () => {
  const policies: Partial<ApiOptions>[] = [{}, { onRefusedCredentials: 'discard' }, { onRefusedCredentials: 'keep' }];
  const tries = policies.flatMap((policy) =>
    [401, 403].flatMap((status) =>
      ['http://server.example/', 'http://192.168.1.5/'].map((url) => ({ ...policy, status, url })),
    ),
  );

  test.each(tries)('F11 F35 discards nothing, and the exception says why (%j)', async ({ status, url, ...policy }) => {
    const stub = new StubFetch(() => replyJson(status, {}));
    const api = openApi({ ...policy, baseUrl: url, fetch: stub.fetch }, { environment: new FakeEnvironment() });
    const discarded: unknown[] = [];
    api.on('discard', (event) => discarded.push(event));
    const committed = commitEach(api, 1, 2);
    const failure = await pushFailure(api.push());
    expect(failure).toMatchObject({ retainedData: true, discarded: [], status });
    expect(failure.advice).toMatch(FORGED);
    expect(failure.advice).toMatch(/still queued/);
    expect(discarded).toEqual([]);
    expect(api.log()).toEqual(committed);
    expect((await getFailure(api.get('a'))).advice).toMatch(FORGED);
  });

  test('F11 as autoPush gets it again and again, for a week, discards nothing', async () => {
    const clock = new FakeClock();
    const stub = new StubFetch(() => replyJson(401, {}));
    const api = openApi(
      { baseUrl: 'http://server.example/', fetch: stub.fetch, autoPush: true },
      { clock, environment: new FakeEnvironment() },
    );
    commitEach(api, 1, 2);
    await clock.advance(7 * 86_400_000);
    api.resume();
    await clock.advance(1000);
    expect(stub.requests.length).toBeGreaterThan(2);
    expect(api.status().committed).toBe(2);
  });

  test.each(['http://127.0.0.1:8080/', 'http://localhost/', 'http://[::ffff:127.0.0.1]/', 'https://server.example/'])(
    'F11 is discarded as documented from %s',
    async (baseUrl) => {
      const api = openApi({ baseUrl, fetch: new StubFetch(() => replyJson(401, {})).fetch });
      commitEach(api, 1);
      const failure = await pushFailure(api.push());
      expect(failure.discarded).toHaveLength(1);
      expect(failure.advice).not.toMatch(FORGED);
    },
  );
});

describe('plain http to another machine', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.resetModules();
  });

  test('F35 is warned of on the console once a process, whoever listens, and not for loopback', async () => {
    vi.resetModules();
    const written = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { Api } = await import('../../src/index.js');
    const open = (baseUrl: string) => new Api({ ...credentials, baseUrl });
    const apis = ['http://127.0.0.1/', 'http://localhost/', 'https://server.example/'].map(open);
    expect(written).not.toHaveBeenCalled();
    apis.push(...['http://server.example/', 'http://server.example/', 'http://192.168.1.5/'].map(open));
    expect(written.mock.calls).toEqual([
      [expect.stringMatching(/^nikdev-iot: baseUrl http:\/\/server\.example\/ is plain http: .* Use https\.$/)],
    ]);
    for (const api of apis) await api.close();
  });
});

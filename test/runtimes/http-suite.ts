import { describe, expect, test } from 'vitest';
import { PushException } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';

/** The runtime's own `fetch`. */
export function httpSuite(serverUrl: string): void {
  const baseUrl = `${serverUrl}/api/v1/`;

  describe("by the runtime's own fetch", () => {
    test('entries reach a server, and can be read', async () => {
      const api = openApi({ baseUrl });
      commitEach(api, 20, 21.5);
      expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
      expect(await api.get('temperature')).toMatchObject([{ fieldId: 'temperature', value: 21.5 }]);
    });

    test('testConnection reports the permissions of the credentials', async () => {
      const api = openApi({ baseUrl });
      expect(await api.testConnection()).toMatchObject({
        reachable: true,
        credentials: true,
        canRead: true,
        canWrite: true,
      });
    });

    test('a redirect is not followed, and loses nothing', async () => {
      const api = openApi({ baseUrl: `${serverUrl}/moved/api/v1/` });
      commitEach(api, 1);
      expect((await pushFailure(api.push())).retainedData).toBe(true);
      expect(api.status().committed).toBe(1);
    });

    test('a server that never answers is given up in time, and loses nothing', async () => {
      const api = openApi({ baseUrl: `${serverUrl}/silent/api/v1/`, requestTimeout: 0.2 });
      commitEach(api, 1);
      expect(await pushFailure(api.push())).toMatchObject({ retainedData: true });
      expect(api.status().committed).toBe(1);
    });

    test('an answer that breaks off loses nothing', async () => {
      const api = openApi({ baseUrl: `${serverUrl}/broken/api/v1/` });
      commitEach(api, 1);
      expect(await pushFailure(api.push())).toMatchObject({ retainedData: true });
    });

    test('an unreachable server loses nothing, and no message has the key', async () => {
      // The discard protocol's: fetch refuses it itself, or nobody listens.
      const api = openApi({ baseUrl: 'http://127.0.0.1:9/api/v1/' });
      commitEach(api, 1);
      const exception = await pushFailure(api.push());
      expect(exception).toBeInstanceOf(PushException);
      expect(exception.message.includes('22222222')).toBe(false);
      expect(exception.retainedData).toBe(true);
    });
  });
}

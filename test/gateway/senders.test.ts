import { expect, test } from 'vitest';
import { Front } from '../../src/gateway/front/front.js';
import { requestOf } from '../../src/gateway/front/web-message.js';
import { GatewayNews } from '../../src/gateway/news.js';
import type { Health } from '../../src/gateway/operations/health.js';
import { json } from '../../src/http/message.js';
import type { Store } from '../../src/http/store.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';

const STRANGER = '99999999-9999-4999-8999-999999999999';
const health = { readiness: { isReady: true } } as unknown as Health;

test("G6 a stranger's slow uploads in the name of a device do not take the place of the device's own", async () => {
  let refuse = (): void => {};
  const judged = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const store: Store = {
    async authorize({ apiKey }) {
      if (apiKey === STRANGER) await judged;
      const answer = () => json(apiKey === STRANGER ? 401 : 202, {});
      return { device: { append: answer, read: answer } };
    },
  };
  const front = new Front({ store, health, news: new GatewayNews(), maxBodyBytes: 1000 });
  const post = async (apiKey: string): Promise<number> => {
    const headers = { 'x-device-id': DEVICE_ID, 'x-api-key': apiKey };
    const body = '{"clientTimestamp":1,"entries":[]}';
    const request = new Request('http://gateway/api/v1/entries/', { method: 'POST', headers, body });
    return (await front.answer(requestOf(request))).status;
  };
  const strange = Array.from({ length: 9 }, () => post(STRANGER));
  expect(await post(API_KEY)).toBe(202);
  refuse();
  expect(await Promise.all(strange)).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 503]);
});

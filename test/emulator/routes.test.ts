import { describe, expect, test } from 'vitest';
import { BASE_URL, get, HEADERS, NOW, post, read, standing, upload } from './helpers.js';

const send = (path: string, method: string) =>
  standing().fetch(new Request(new URL(path, BASE_URL), { method, headers: HEADERS }));

describe('routes', () => {
  test.each([
    '/',
    '/api/v1/',
    '/api/v1/entries',
    '/api/v1/values/',
    '/api/v1/values/a/b',
    '/entries/',
    '/api/v2/values/a',
  ])('%s is unknown', async (path) => {
    expect(await read(send(path, 'GET'))).toEqual({ status: 404, json: { message: expect.any(String) } });
    expect((await send(path, 'POST')).status).toBe(404);
  });

  test.each([
    ['entries/', 'GET', 'POST'],
    ['entries/', 'PUT', 'POST'],
    ['entries/', 'OPTIONS', 'POST'],
    ['values/a', 'POST', 'GET'],
    ['values/a', 'DELETE', 'GET'],
  ])('%s does not take %s', async (path, method, allowed) => {
    const answer = await send(path, method);
    expect(answer.headers.get('Allow')).toBe(allowed);
    expect(await read(answer)).toEqual({ status: 405, json: { message: expect.any(String) } });
  });

  test('a query does not belong to a field id', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1])));
    const { json } = await read(emulator.fetch(get('values/a?b=c')));
    expect(json.data.values).toEqual([{ a: { value: 1, timestamp: NOW } }]);
  });
});

describe('every answer', () => {
  const emulator = standing();
  test.each([
    ['a success', () => emulator.fetch(post(upload()))],
    ['an unknown route', () => emulator.fetch(get('nothing'))],
    ['refused credentials', () => emulator.fetch(get('values/a', {}))],
    ['a bad body', () => emulator.fetch(post('{'))],
    ['a body that is too long', () => standing({ maxBodyBytes: 1 }).fetch(post('{}'))],
    ['a preflight', () => emulator.fetch(preflight('entries/'))],
    ['a scripted status', () => faulty({ status: 503, message: 'later' })],
    ['a cut answer', () => faulty({ cut: true })],
  ])('is open to pages and dated by the server: %s', async (_, ask) => {
    const { headers } = await ask();
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(headers.get('Access-Control-Expose-Headers')).toBe('Retry-After, Date');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Vary')).toBe('x-device-id, x-api-key');
    expect(headers.get('Date')).toBe(new Date(NOW * 1000).toUTCString());
  });

  test.each([
    ['success', get('values/a')],
    ['rejection', get('values/a', {})],
    ['unknown route', get('nothing')],
  ])('is JSON by its type: %s', async (_, request) => {
    expect((await emulator.fetch(request)).headers.get('Content-Type')).toMatch(/^application\/json/);
  });

  function faulty(...faults: Parameters<typeof emulator.script>) {
    emulator.script(...faults);
    return emulator.fetch(get('values/a'));
  }
});

describe('a preflight', () => {
  test.each(['entries/', 'values/a,b'])('allows what the protocol needs: %s', async (path) => {
    const { status, headers } = await standing().fetch(preflight(path));
    expect(status).toBe(204);
    expect(headers.get('Access-Control-Allow-Headers')).toBe(
      'x-device-id, x-api-key, content-type, content-encoding, x-entry-ids',
    );
    expect(headers.get('Access-Control-Allow-Methods')).toBe('GET, POST');
    expect(Number(headers.get('Access-Control-Max-Age'))).toBeGreaterThan(0);
  });
});

function preflight(path: string): Request {
  const headers = { Origin: 'https://page.test', 'Access-Control-Request-Method': 'POST' };
  return new Request(BASE_URL + path, { method: 'OPTIONS', headers });
}

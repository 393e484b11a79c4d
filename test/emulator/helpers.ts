import { createEmulator, type EmulatorOptions } from '../../src/emulator.js';

export const DEVICE = 'aaaaaaaa-1111-4111-8111-111111111111';
export const OTHER_DEVICE = 'bbbbbbbb-1111-4111-8111-111111111111';
export const KEY = 'cccccccc-2222-4222-8222-222222222222';
export const READ_KEY = 'dddddddd-2222-4222-8222-222222222222';
export const WRITE_KEY = 'eeeeeeee-2222-4222-8222-222222222222';
/** Known to no one. */
export const STRANGER = 'ffffffff-3333-4333-8333-333333333333';

export const BASE_URL = 'https://server.test/api/v1/';
/** The server's clock, in seconds. */
export const NOW = 1_795_349_662;

/** Field ids that trip over URLs or over objects used as maps. */
export const AWKWARD_IDS = [
  'a,b',
  'a/b',
  'a?b',
  'a#b',
  '100%',
  '%2C',
  'a b',
  '+',
  'å😀',
  '\\',
  '\n',
  '*',
  ':ids',
  '...',
].concat(['__proto__', 'constructor', 'length', 'toString', 'hasOwnProperty']);

/** An emulator with two devices whose clock stands still. */
export function standing(options: Partial<EmulatorOptions> = {}) {
  return createEmulator({
    devices: [
      {
        deviceId: DEVICE,
        apiKeys: [
          { key: KEY, read: true, write: true },
          { key: READ_KEY, read: true, write: false },
          { key: WRITE_KEY, read: false, write: true },
        ],
      },
      { deviceId: OTHER_DEVICE.toUpperCase(), apiKeys: [{ key: STRANGER.toUpperCase(), read: true, write: true }] },
    ],
    now: () => NOW * 1000 + 999,
    ...options,
  });
}

export const HEADERS: Record<string, string> = {
  'x-device-id': DEVICE,
  'x-api-key': KEY,
  'content-type': 'application/json',
};

export function post(body: unknown, headers: Record<string, string> = HEADERS, init: RequestInit = {}): Request {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Request(`${BASE_URL}entries/`, { method: 'POST', headers, body: text, ...init });
}

export function get(path: string, headers: Record<string, string> = HEADERS): Request {
  return new Request(BASE_URL + path, { headers });
}

export function valuesPath(fieldIds: readonly string[]): string {
  return `values/${fieldIds.map(encodeURIComponent).join(',')}`;
}

/** An upload of one entry with one value for each pair, sent and taken now. */
export function upload(...values: readonly (readonly [string, unknown])[]) {
  return { clientTimestamp: NOW, entries: [entry(NOW, ...values)] };
}

export function entry(timestamp: unknown, ...values: readonly (readonly [string, unknown])[]) {
  return { timestamp, values: values.map(([fieldId, value]) => ({ [fieldId]: value })) };
}

interface Body {
  message: string;
  data: { servertime: number; values: Record<string, unknown>[] };
}

/** Status and body of an answer. */
export async function read(answer: Promise<Response> | Response): Promise<{ status: number; json: Body }> {
  const response = await answer;
  return { status: response.status, json: await response.json() };
}

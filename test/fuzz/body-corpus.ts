import { createEmulator } from '../../src/emulator.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { BASE_URL, DEVICES } from './devices.js';

const NOW = 1_795_349_662;

/** Bodies as servers, and what stands between, send them: text, in which one character stands for one byte. */
export async function makeBodies(): Promise<string[]> {
  const recorded = await emulated();
  const readings = [...recorded, ...OTHERS].filter((text) => text.includes('servertime'));
  // Most of what can be read wrongly is in those.
  const all = [...recorded, ...OTHERS, ...Array.from({ length: 5 }, () => readings).flat()];
  return all.map((text) => Buffer.from(text).toString('latin1'));
}

/** The answers of the emulator to each request of an `Api`, and to refused ones. */
async function emulated(): Promise<string[]> {
  const emulator = createEmulator({
    devices: [{ deviceId: DEVICES[0], apiKeys: [{ key: SENTINEL_KEY, read: true, write: true }] }],
    now: () => NOW * 1000,
  });
  const headers = { 'x-device-id': DEVICES[0], 'x-api-key': SENTINEL_KEY, 'content-type': 'application/json' };
  const values = [{ temperature: 21.5 }, { 'a,b': 'on "and" å€😀' }, { ['__proto__']: false }, { length: -1e-7 }];
  const ask = async (path: string, body?: string, others: Record<string, string> = {}): Promise<string> => {
    const post = body === undefined ? {} : { method: 'POST', body };
    const answer = await emulator.fetch(new Request(BASE_URL + path, { headers: { ...headers, ...others }, ...post }));
    return (answer as Response).text();
  };
  const upload = JSON.stringify({ clientTimestamp: NOW, entries: [{ timestamp: NOW, values }] });
  return [
    await ask('entries/', upload),
    await ask('values/temperature,a%2Cb,__proto__,length'),
    await ask('values/temperature'),
    await ask('values/nowhere'),
    await ask('entries/', '{'),
    await ask('entries/', upload, { 'x-api-key': DEVICES[1] }),
    await ask('nowhere/'),
  ];
}

/** By the protocol, and by what is no server of ours. */
const OTHERS = [
  '{"data":{}}',
  '',
  `{"data":{"servertime":"${NOW}","values":[{"temperature":{"value":null,"timestamp":null}}]}}`,
  `{"data":{"servertime":${NOW}.25,"values":[{"temperature":{"value":"21","timestamp":${NOW - 10}},"a,b":{"value":1,"timestamp":0}}]}}`,
  `{"message":"no key ${SENTINEL_KEY} here"}`,
  '{"message":"Device is not known"}',
  '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Welcome</body></html>',
  ' \n<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
  '502 Bad Gateway',
];

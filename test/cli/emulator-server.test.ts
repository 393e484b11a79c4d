import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { EmulatorServer } from '../../src/cli/emulator/emulator-server.js';
import { LiveFeed } from '../../src/cli/emulator/live-feed.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { oneDevice } from '../support/servers/emulator.js';

const MEBIBYTE = 1_048_576;
const HEADERS = { 'x-device-id': DEVICE_ID, 'x-api-key': API_KEY };

/** Sends a body without its length. @returns Status, message and the header connection. */
async function send(body: Uint8Array, headers: Record<string, string>, { isEnded = true } = {}): Promise<unknown[]> {
  const { server } = new EmulatorServer(oneDevice(), { faults: [], host: '127.0.0.1', feed: new LiveFeed() });
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/api/v1/entries/`;
  const sent = request(url, {
    agent: new Agent({ keepAlive: true }),
    method: 'POST',
    headers: { ...HEADERS, ...headers },
  });
  sent.write(body);
  if (isEnded) sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return [response.statusCode, (JSON.parse(text) as { message: string }).message, response.headers.connection];
}

test('a body that is not gzip, as it claims, is answered with 400', async () => {
  const answer = await send(Buffer.from('no gzip'), { 'content-encoding': 'gzip' });
  expect(answer).toEqual([400, 'the body must be gzip, as its content-encoding says', 'keep-alive']);
});

test('a body without a length is answered with 413 as soon as it is too long, and its connection is not used again', async () => {
  const answer = await send(Buffer.alloc(MEBIBYTE + 1, ' '), {}, { isEnded: false });
  expect(answer).toEqual([413, `The body must be at most ${MEBIBYTE} bytes long`, 'close']);
});

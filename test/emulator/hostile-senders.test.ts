import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { serve } from '@hono/node-server';
import { expect, onTestFinished, test } from 'vitest';
import { DEVICE, HEADERS, standing, upload } from './helpers.js';

const MEBIBYTE = 1_048_576;
const PIECE = Buffer.alloc(65_536, ' ');

/** An emulator behind real connections, and how many bytes each request's connection had brought when it was answered. */
async function start() {
  const emulator = standing();
  const readBytes: number[] = [];
  const server = serve({
    fetch: async (request, { incoming }) => {
      const answer = (await emulator.fetch(request)) as Response;
      readBytes.push(incoming.socket.bytesRead);
      return answer;
    },
    hostname: '127.0.0.1',
    port: 0,
    overrideGlobalObjects: false,
  });
  await once(server, 'listening');
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return { emulator, readBytes, port: (server.address() as AddressInfo).port };
}

/** Sends the head of an upload. */
async function sendHead(port: number, lines: readonly string[], headers: Record<string, string> = {}): Promise<Sender> {
  const socket = connect(port, '127.0.0.1');
  const sender = { socket, received: '', isClosed: false };
  socket.setEncoding('utf8').on('data', (text: string) => {
    sender.received += text;
  });
  // The server may end it while it sends.
  socket.on('error', () => {});
  socket.on('close', () => {
    sender.isClosed = true;
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const named = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`${['POST /api/v1/entries/ HTTP/1.1', 'host: localhost', ...named, ...lines].join('\r\n')}\r\n\r\n`);
  return sender;
}

interface Sender {
  readonly socket: Socket;
  readonly received: string;
  readonly isClosed: boolean;
}

/** Sends a piece again and again, as fast as the server takes it, until `bytes` are sent or the connection ends. */
async function sendPieces({ socket }: Sender, piece: string | Buffer, bytes = Infinity): Promise<void> {
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += piece.length) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
  }
}

const statusOf = ({ received }: Sender): string | undefined => /^HTTP\/1\.1 (\d+)/.exec(received)?.[1];
const SOON = { timeout: 10_000, interval: 5 };

test('56 MB without a key are answered before they are read', async () => {
  const { readBytes, port, emulator } = await start();
  const sender = await sendHead(port, ['content-length: 56000000']);
  await sendPieces(sender, PIECE, 56_000_000);
  await expect.poll(() => statusOf(sender), SOON).toBe('401');
  expect(readBytes).toHaveLength(1);
  expect(readBytes[0]).toBeLessThan(MEBIBYTE / 4);
  expect(emulator.requests).toMatchObject([{ status: 401, entries: undefined }]);
});

test('a body that is only announced is answered where the key is not known, and where it is too long', async () => {
  const { port } = await start();
  const [stranger, known] = [
    await sendHead(port, ['content-length: 56000000']),
    await sendHead(port, ['content-length: 56000000'], HEADERS),
  ];
  await expect.poll(() => [statusOf(stranger), statusOf(known)], SOON).toEqual(['401', '413']);
});

test.each([
  ['no key', '401', {}, MEBIBYTE / 4],
  ['a good key', '413', HEADERS, 2 * MEBIBYTE],
])('a body in chunks without an end is answered, and its connection ended: %s', async (_, status, headers, limit) => {
  const { readBytes, port } = await start();
  const sender = await sendHead(port, ['transfer-encoding: chunked'], headers);
  const sending = sendPieces(sender, `10000\r\n${PIECE}\r\n`);
  await expect.poll(() => statusOf(sender), SOON).toBe(status);
  expect(readBytes[0]).toBeLessThan(limit);
  await expect.poll(() => sender.isClosed, SOON).toBe(true);
  await sending;
});

test('a body of which no more comes is answered without a key, and holds up no other with one', async () => {
  const { port, emulator } = await start();
  const stranger = await sendHead(port, ['transfer-encoding: chunked']);
  const known = await sendHead(port, ['transfer-encoding: chunked'], HEADERS);
  for (const { socket } of [stranger, known]) socket.write('1\r\n{\r\n');
  await expect.poll(() => statusOf(stranger), SOON).toBe('401');
  const body = JSON.stringify(upload(['a', 1]));
  const other = await sendHead(port, [`content-length: ${body.length}`], HEADERS);
  other.socket.write(body);
  await expect.poll(() => statusOf(other), SOON).toBe('200');
  expect(known.received).toBe('');
  known.socket.destroy();
  await expect.poll(() => emulator.requests.map(({ status }) => status), SOON).toEqual([401, undefined, 200]);
  expect(emulator.entries(DEVICE)).toHaveLength(1);
});

test.each([
  ['not a number', ['content-length: many']],
  ['negative', ['content-length: -1']],
  ['given twice', ['content-length: 5', 'content-length: 6']],
  ['beside chunks', ['content-length: 5', 'transfer-encoding: chunked']],
])('a content-length that is %s never becomes a request', async (_, lines) => {
  const { port, emulator } = await start();
  const sender = await sendHead(port, lines, HEADERS);
  await expect.poll(() => statusOf(sender), SOON).toBe('400');
  expect(emulator.requests).toEqual([]);
});

test('a content-length shorter than the body ends the body there', async () => {
  const { port, emulator } = await start();
  const body = JSON.stringify(upload(['a', 1]));
  const sender = await sendHead(port, ['content-length: 5'], HEADERS);
  sender.socket.write(body);
  await expect.poll(() => statusOf(sender), SOON).toBe('400');
  expect(emulator.entries(DEVICE)).toEqual([]);
});

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type UploadedEntry, uploadedEntries } from '../builders/uploads.js';

/**
 * Handles a connection of a raw server from its first byte on; `request` resolves with the body
 * once a whole request has come.
 */
export type Behaviour = (socket: Socket, request: Promise<string>) => void;

export interface RawServer {
  readonly port: number;
  readonly baseUrl: string;
  /** The received text, one item for each connection that was used. */
  readonly received: readonly string[];
  /** The entries of each request that `healthy` answered. */
  readonly stored: readonly (readonly UploadedEntry[])[];
  behave(behaviour: Behaviour): void;
  /** Answers 200 and stores. */
  readonly healthy: Behaviour;
  /** Stores, then does `after` in place of an answer. */
  storeThen(after: (socket: Socket) => void): Behaviour;
  /** Resolves when no connection is left open that was used. */
  disconnected(): Promise<void>;
}

export const HEALTHY_ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{"data":{}}';

/** A TCP server on a loopback port that can break HTTP in any way; it ends with the test. */
export async function rawServer(behaviour?: Behaviour, port = 0): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const used = new Set<Socket>();
  const received: string[] = [];
  const stored: UploadedEntry[][] = [];
  const storeThen =
    (after: (socket: Socket) => void): Behaviour =>
    async (socket, request) => {
      stored.push(uploadedEntries(await request));
      after(socket);
    };
  const healthy = storeThen((socket) => socket.end(HEALTHY_ANSWER));
  let behave = behaviour ?? healthy;

  const server = createServer((socket) => {
    sockets.add(socket);
    // Many of these tests cause resets, which must not end the test run.
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      used.delete(socket);
    });
    // Not at the connection: Node's fetch opens one in advance when another has broken.
    socket.once('data', (first) => {
      used.add(socket);
      const index = received.push('') - 1;
      let bytes = Buffer.alloc(0);
      const request = new Promise<string>((resolve) => {
        const take = (piece: Buffer): void => {
          bytes = Buffer.concat([bytes, piece]);
          received[index] = bytes.toString();
          const body = bodyOf(bytes);
          if (body !== undefined) resolve(body);
        };
        socket.on('data', take);
        take(first);
      });
      behave(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const actualPort = (server.address() as AddressInfo).port;
  return {
    port: actualPort,
    baseUrl: `http://127.0.0.1:${actualPort}/api/v1/`,
    received,
    stored,
    healthy,
    storeThen,
    behave: (next) => {
      behave = next;
    },
    async disconnected() {
      await Promise.all(Array.from(used, (socket) => new Promise((resolve) => socket.once('close', resolve))));
    },
  };
}

/** The body of a request with a content-length, once all of it is there. */
function bodyOf(bytes: Buffer): string | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const length = Number(/^content-length: *(\d+)/im.exec(bytes.subarray(0, end).toString())?.[1] ?? 0);
  const body = bytes.subarray(end + 4);
  return body.length < length ? undefined : body.toString();
}

/** Writes a text byte by byte, then ends the connection. */
export function drip(socket: Socket, text: string, everyMilliseconds: number): void {
  let index = 0;
  const timer = setInterval(() => {
    if (index < text.length) socket.write(text.charAt(index++));
    else socket.end();
  }, everyMilliseconds);
  socket.on('close', () => clearInterval(timer));
}

/** A loopback port without a listener. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

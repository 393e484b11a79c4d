import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { createEmulator } from '../../dist/emulator.js';
import { apiKey, deviceId } from './shared/credentials.js';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.map': 'application/json',
};
/** For projects that have only a script. */
const PAGE =
  '<!doctype html><title>Host</title><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>';

/** Serves an emulator on loopback, on an origin of its own. */
export async function serveEmulator() {
  const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] });
  const answer = getRequestListener(emulator.fetch);
  let firstRequest;
  const isAsked = new Promise((resolve) => {
    firstRequest = resolve;
  });
  const { port, close } = await listen((request, response) => {
    firstRequest();
    return answer(request, response);
  });
  return {
    /** Resolved at the first request. */
    isAsked,
    port,
    baseUrl: `http://127.0.0.1:${port}/api/v1/`,
    /** @throws Unless the value is stored once, and was read. */
    check(value) {
      const stored = emulator.entries(deviceId).flatMap(({ values }) => values.map((stored) => stored.value));
      if (stored.length !== 1 || stored[0] !== value)
        throw new Error(`the server stores ${JSON.stringify(stored)}, not ${value}`);
      if (!emulator.requests.some(({ method, path }) => method === 'GET' && path.includes('values')))
        throw new Error(
          `nobody read the value: ${emulator.requests.map(({ method, path }) => `${method} ${path}`).join(', ')}`,
        );
    },
    close,
  };
}

/** Serves the files of a folder on loopback. */
export async function serveFolder(folder) {
  const { port, close } = await listen(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    try {
      const text = await readFile(join(folder, normalize(path)));
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(text);
    } catch {
      if (path === '/index.html') response.writeHead(200, { 'content-type': TYPES['.html'] }).end(PAGE);
      else response.writeHead(404).end();
    }
  });
  return { origin: `http://127.0.0.1:${port}`, close };
}

async function listen(answer) {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

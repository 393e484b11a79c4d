import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createEmulator } from '../../dist/emulator.js';

/** Those of test/support/builders/credentials.ts. */
export const credentials = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
};
const { deviceId, apiKey } = credentials;
/** So long that pushes begun at once overlap, in milliseconds. */
const SLOW_MS = 200;
const devices = [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }];

/**
 * Serves an emulator under `/api/v1/`, and slowly under `/slow`; and three servers that are not one under `/moved`, `/silent` and
 * `/broken`.
 */
export async function serve() {
  const emulator = createEmulator({ devices });
  const answer = getRequestListener(emulator.fetch);
  const server = createServer((request, response) => {
    if (request.url.startsWith('/moved/')) response.writeHead(302, { location: '/login' }).end();
    else if (request.url === '/login')
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{}}');
    else if (request.url.startsWith('/broken/')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"data":', () => response.destroy());
    } else if (request.url.startsWith('/slow/')) {
      request.url = request.url.slice('/slow'.length);
      setTimeout(() => void answer(request, response), SLOW_MS);
    } else if (!request.url.startsWith('/silent/')) void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  /** Whether a value of a field has arrived. */
  const holds = (field) =>
    emulator.entries(deviceId).some(({ values }) => values.some(({ fieldId }) => fieldId === field));
  return { holds, url: `http://127.0.0.1:${server.address().port}`, close };
}

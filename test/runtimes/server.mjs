import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createEmulator } from '../../dist/emulator.js';

/** The device and the key of test/support/credentials.ts. */
const key = { key: '22222222-2222-4222-8222-222222222222', read: true, write: true };
const devices = [{ deviceId: '11111111-1111-4111-8111-111111111111', apiKeys: [key] }];

/** Serves an emulator under `/api/v1/`, and three servers that are none under `/moved`, `/silent` and `/broken`. */
export async function serve() {
  const answer = getRequestListener(createEmulator({ devices }).fetch);
  const server = createServer((request, response) => {
    if (request.url.startsWith('/moved/')) response.writeHead(302, { location: '/api/v1/entries/' }).end();
    else if (request.url.startsWith('/broken/')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"data":', () => response.destroy());
    } else if (!request.url.startsWith('/silent/')) void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

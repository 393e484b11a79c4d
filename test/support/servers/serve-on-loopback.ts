import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { onTestFinished } from 'vitest';

/** Serves a fetch handler on a loopback port, until the test has finished. @returns Its URL, with a final `/`. */
export async function serveOnLoopback(
  fetch: (request: Request) => Response | Promise<Response>,
  freePort = 0,
): Promise<string> {
  const server = serve({ fetch, port: freePort, hostname: '127.0.0.1', overrideGlobalObjects: false });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

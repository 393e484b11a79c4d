import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { openTab, servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { rawServer } from '../support/servers/raw-server.js';

const LIMIT = 64 * 1024;
const COUNT = 1000;
const CORS =
  'access-control-allow-origin: *\r\naccess-control-allow-headers: *\r\naccess-control-max-age: 600\r\ncontent-length: 2\r\nconnection: close\r\n';

const FAILURES: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => socket.resetAndDestroy(),
  'answered 413 and cut off while they are sent': (socket) =>
    socket.write(`HTTP/1.1 413 Too Large\r\n${CORS}\r\n{}`, () => socket.destroy()),
};

describeInChromium('requests above 64 KiB from a page', (newContext) => {
  test.each(Object.entries(FAILURES))('F42 that are %s shrink until all entries arrive', async (name, fail) => {
    const numbers: unknown[] = [];
    let uploads = 0;
    const server = await rawServer(async (socket, request) => {
      const check = (): void => {
        if (socket.bytesRead <= LIMIT) return;
        socket.off('data', check);
        uploads += 1;
        fail(socket);
      };
      socket.on('data', check);
      check();
      const body = await request;
      if (body === '') return socket.end(`HTTP/1.1 200 OK\r\n${CORS}\r\n{}`);
      uploads += 1;
      const { entries } = JSON.parse(body) as { entries: { values: Record<string, number>[] }[] };
      numbers.push(...entries.map(({ values }) => values[1]?.['number']));
      socket.end(`HTTP/1.1 200 OK\r\n${CORS}\r\n{}`);
    });
    const page = await openTab(await newContext(), await servePages(), { ...credentials, baseUrl: server.baseUrl });
    const { pushes, status } = await page.evaluate(async (count) => {
      for (let number = 0; number < count; number++) {
        window.api.addValues({ text: 'x'.repeat(380), number });
        window.api.commit();
      }
      let pushes = 0;
      for (; window.api.status().committed > 0 && pushes < 12; pushes++) await window.api.push().catch(() => {});
      return { pushes, status: window.api.status() };
    }, COUNT);
    console.log(`${name} above 64 KiB, in Chromium: ${pushes} pushes, ${uploads} uploads`);
    expect(status).toMatchObject({ committed: 0, quarantined: 0 });
    // A request that a page may not see the end of can have arrived: it is sent again.
    expect([...new Set(numbers)]).toEqual(Array.from({ length: COUNT }, (_, number) => number));
    expect(uploads).toBeLessThanOrEqual(40);
  });
});

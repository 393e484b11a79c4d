import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** By name this machine is no loopback for a browser: on plain http a page from there has no secure context. */
export const LAN_HOST = 'lan-device.example';

/** The same server as at `url`, on this machine, by a name that makes it an insecure context on plain http. */
export function asOnLan(url: string): string {
  return url.replace('127.0.0.1', LAN_HOST);
}

/** An HTTP proxy that finds every host on this machine, and can be cut off. */
export interface LanProxy {
  readonly host: string;
  setOffline(isOffline: boolean): void;
  close(): void;
}

/** Starts a proxy for a browser whose name resolution and network state can't be set. */
export async function startLanProxy(): Promise<LanProxy> {
  let isCutOff = false;
  const server = createServer((incoming, outgoing) => {
    const { port, pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const passedOn = ask({ host: '127.0.0.1', port, path: pathname + search, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passedOn.on('error', () => outgoing.destroy());
    incoming.pipe(passedOn);
  });
  server.on('connection', (socket) => isCutOff && socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    setOffline(isOffline) {
      isCutOff = isOffline;
      if (isOffline) server.closeAllConnections();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

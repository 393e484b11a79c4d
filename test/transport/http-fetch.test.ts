import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigException } from '../../src/index.js';
import { type HttpFetchOptions, httpFetch } from '../../src/node.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type Answerer, json, loopbackServer } from '../support/servers/loopback-server.js';

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();

/** A private authority, and a server's and a device's certificate of it. */
function authority() {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '2');
  for (const name of ['localhost', 'device']) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const from = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...from, '-out', `${name}.pem`);
  }
  const read = (file: string) => readFileSync(join(folder, file));
  return {
    ca: read('ca.pem'),
    server: { key: read('localhost.key'), cert: read('localhost.pem') },
    device: { key: read('device.key'), cert: read('device.pem') },
  };
}

/** A NikDev server over TLS that notes the name in the certificate of each client. */
async function tlsServer(options: ServerOptions) {
  const clients: unknown[] = [];
  const server = createServer(options, (request, response) => {
    clients.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
    request.resume().on('end', () => json(response, 200, {}));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { clients, baseUrl: `https://localhost:${(server.address() as AddressInfo).port}/` };
}

describe.skipIf(!hasOpenssl)('httpFetch over TLS (needs openssl)', () => {
  test('presents its certificate to a server that asks for one, and trusts a private authority', async () => {
    const { ca, server, device } = authority();
    const { baseUrl, clients } = await tlsServer({ ...server, ca, requestCert: true, rejectUnauthorized: true });
    const api = openApi({ baseUrl, fetch: httpFetch({ ca, ...device }) });
    commitEach(api, 1, 2);
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(clients).toEqual(['device']);
  });

  test('is refused without a certificate, and keeps everything', async () => {
    const { ca, server } = authority();
    const { baseUrl, clients } = await tlsServer({ ...server, ca, requestCert: true, rejectUnauthorized: true });
    const api = openApi({ baseUrl, fetch: httpFetch({ ca }) });
    const entries = commitEach(api, 1);
    await expect(api.push()).rejects.toMatchObject({ name: 'PushException', retainedData: true });
    expect(api.log()).toEqual(entries);
    expect(clients).toEqual([]);
  });

  test('refuses a server of an authority that it does not know', async () => {
    const { server } = authority();
    const { baseUrl, clients } = await tlsServer(server);
    const api = openApi({ baseUrl, fetch: httpFetch() });
    commitEach(api, 1);
    await expect(api.push()).rejects.toMatchObject({ advice: expect.stringMatching(/^No secure connection/) });
    expect(clients).toEqual([]);
  });
});

const compressedAnswer =
  (status: number, encoding: string, body: Uint8Array): Answerer =>
  (_request, response) =>
    response.writeHead(status, { 'content-encoding': encoding }).end(body);

describe('httpFetch', () => {
  test('sends method, headers and a body of bytes or text with its length', async () => {
    const { baseUrl, requests } = await loopbackServer((_request, response) => json(response, 201, { a: 1 }));
    const fetch = httpFetch();
    for (const body of ['ü', Buffer.from('ü')]) {
      const response = await fetch(baseUrl, { method: 'POST', headers: { 'x-one': '1' }, body });
      expect(response).toMatchObject({ status: 201, redirected: false });
      expect(response.headers.get('Content-Type')).toMatch(/json/);
      expect(response.headers.get('x-none')).toBeNull();
      expect(await response.text()).toBe('{"a":1}');
    }
    expect(requests).toMatchObject(
      [1, 2].map(() => ({ method: 'POST', body: 'ü', headers: { 'x-one': '1', 'content-length': '2' } })),
    );
  });

  test('keeps one connection for requests that follow each other', async () => {
    const ports = new Set<number | undefined>();
    const { baseUrl } = await loopbackServer((_request, response) => {
      ports.add(response.socket?.remotePort);
      json(response, 200, {});
    });
    const fetch = httpFetch();
    for (let count = 0; count < 5; count++) await (await fetch(baseUrl)).text();
    expect(ports.size).toBe(1);
  });

  test('connects by the agent and from the address that it is given', async () => {
    const addresses: unknown[] = [];
    const { baseUrl } = await loopbackServer((_request, response) => {
      addresses.push(response.socket?.remoteAddress);
      json(response, 200, {});
    });
    let connections = 0;
    const agent = new Agent();
    const { createConnection } = agent;
    agent.createConnection = (...args) => {
      connections += 1;
      return createConnection.apply(agent, args);
    };
    await (await httpFetch({ agent, localAddress: '127.0.0.7' })(baseUrl)).text();
    expect({ addresses, connections }).toEqual({ addresses: ['127.0.0.7'], connections: 1 });
  });

  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['deflate without header', deflateRawSync],
    ['gzip without trailer', (text: string) => gzipSync(text).subarray(0, -8)],
    ['GZIP, br', (text: string) => brotliCompressSync(gzipSync(text))],
    ['deflate, identity,deflate', (text: string) => deflateRawSync(deflateSync(text))],
    ['utf-8', Buffer.from],
  ])('reads a body that is compressed by %s', async (encoding, compress) => {
    const answer = compressedAnswer(200, encoding.replace(/ without.*/, ''), compress('<html>ü'));
    expect(await (await httpFetch()((await loopbackServer(answer)).baseUrl)).text()).toBe('<html>ü');
  });

  test.each(['gzip', 'deflate', 'br', 'gzip, br', 'zstd'])(
    'stores by a success with an empty body whose coding is %s',
    async (encoding) => {
      for (const status of [200, 201, 204]) {
        const { baseUrl } = await loopbackServer(compressedAnswer(status, encoding, Buffer.of()));
        const api = openApi({ baseUrl, fetch: httpFetch() });
        commitEach(api, 1);
        expect(await api.push()).toMatchObject({ pushed: 1, requests: 1 });
      }
    },
  );

  test.each([
    ['gzip, br', brotliCompressSync(gzipSync('<html>')), 'an HTML page came back (status 200)'],
    [
      'zstd',
      Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 1),
      'could not be read: SyntaxError: the content-encoding "zstd" is unknown',
    ],
    ['x', Buffer.of(0xc3), 'could not be read: SyntaxError: the content-encoding "x" is unknown'],
    [Array(6).fill('gzip').join(), gzipSync('<html>'), 'is unknown'],
    ['gzip', Buffer.from('<html>'), 'broke off'],
  ])(
    'keeps the entries after a success whose body of coding %s is a page or not readable',
    async (encoding, body, said) => {
      const { baseUrl } = await loopbackServer(compressedAnswer(200, encoding, body));
      const api = openApi({ baseUrl, fetch: httpFetch() });
      const entries = commitEach(api, 1);
      await expect(api.push()).rejects.toMatchObject({ message: expect.stringContaining(said), retainedData: true });
      expect(api.log()).toEqual(entries);
    },
  );

  test('rejects a text of more than 1 MiB', async () => {
    const { baseUrl } = await loopbackServer((_request, response) => response.end('x'.repeat(1024 * 1024 + 1)));
    await expect((await httpFetch()(baseUrl)).text()).rejects.toThrow('longer than 1 MiB');
  });

  test.each(['before the request', 'before the response', 'within the body'])(
    'rejects with the reason of a signal that aborts %s',
    async (when) => {
      const controller = new AbortController();
      const { baseUrl } = await loopbackServer((_request, response) => {
        if (when === 'before the response') controller.abort(new Error('enough'));
        else response.write('a part');
      });
      if (when === 'before the request') controller.abort(new Error('enough'));
      const read = async () => {
        const response = await httpFetch()(baseUrl, { signal: controller.signal });
        controller.abort(new Error('enough'));
        return response.text();
      };
      await expect(read()).rejects.toThrow('enough');
    },
  );

  test('leaves no listener at a signal once the response is read', async () => {
    const { baseUrl } = await loopbackServer((_request, response) => json(response, 200, {}));
    const listeners = new Set<unknown>();
    const signal = {
      aborted: false,
      addEventListener: (_type: string, listener: unknown) => listeners.add(listener),
      removeEventListener: (_type: string, listener: unknown) => listeners.delete(listener),
    };
    const fetch = httpFetch();
    await (await fetch(baseUrl, { signal })).text();
    await expect.poll(() => listeners.size).toBe(0);
  });

  test.each(['ftp://127.0.0.1/', 'no url'])('rejects for %s', async (url) => {
    await expect(httpFetch()(url)).rejects.toBeInstanceOf(TypeError);
  });

  test.each<[unknown, string]>([
    [{ cacert: 'x' }, 'cacert'],
    [{ ca: 7 }, 'ca must be'],
    [{ key: [7] }, 'key must be'],
    [{ agent: {} }, 'agent must be'],
    [{ localAddress: 'localhost' }, 'localAddress must be'],
    [7, 'an object'],
  ])('refuses %j by name', (options, message) => {
    expect(() => httpFetch(options as HttpFetchOptions)).toThrow(ConfigException);
    expect(() => httpFetch(options as HttpFetchOptions)).toThrow(message);
  });
});

import type { AddressInfo, Server } from 'node:net';
import type { Call } from '../command.js';
import { EmulatorServer, isLoopback } from '../emulator/emulator-server.js';
import { LiveFeed, type ServedRequest } from '../emulator/live-feed.js';
import { type Credentials, readSetup } from '../emulator/setup.js';
import { CommandException, EXIT, type ExitCode } from '../exit.js';
import { untilEndSignal } from '../signals.js';
import { plural } from '../words.js';

export async function run(call: Call): Promise<ExitCode> {
  const { port, host, devices, faults, emulator: options } = readSetup(call);
  const { createEmulator } = await import('../../emulator.js');
  const feed = new LiveFeed();
  const emulator = createEmulator({ ...options, onRequest: (request) => showRequest(call, feed.add(request)) });
  const { server } = new EmulatorServer(emulator, { faults, host, feed });
  const url = await listen(server, port, host);
  const ended = untilEndSignal();
  showStart(call, url, devices);
  if (!isLoopback(host)) call.err.line(`Anyone who can reach ${host} can use it: it is for tests only.`, 'warn');
  await ended;
  server.close();
  server.closeAllConnections();
  return EXIT.ok;
}

async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE' ? `port ${port} is in use` : `can't listen on ${host} (${error.code})`;
      reject(new CommandException(message, { exitCode: EXIT.usage, advice: 'Choose another with --port or --host.' }));
    });
    server.listen(port, host, resolve);
  });
  const { port: bound, address, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}/`;
}

function showStart({ out, isJson }: Call, url: string, devices: readonly Credentials[]): void {
  const baseUrl = `${url}api/v1/`;
  if (isJson) {
    out.json({ url, baseUrl, devices });
    return;
  }
  out.line(`Emulator at ${url} (open it to see readings arrive)`, 'strong');
  for (const { deviceId, apiKey } of devices) {
    out.line('');
    out.line(`export NIKDEV_URL=${baseUrl}`);
    out.line(`export NIKDEV_DEVICE_ID=${deviceId}`);
    out.line(`export NIKDEV_API_KEY=${apiKey}`);
  }
  out.line('');
  out.line('Paste these lines into another shell, then: nikdev-iot add temperature=21.5 -cp');
}

function showRequest({ out, isJson }: Call, request: ServedRequest): void {
  const { method, path, status, entries } = request;
  if (isJson) out.json(request);
  else
    out.line(
      `${method} ${path} ${status}${entries === undefined ? '' : ` ${plural(entries, 'entry', 'entries')}`}`,
      status < 400 ? undefined : 'bad',
    );
}

import type { ServeOptions } from '../../../gateway.js';
import type { Call } from '../../command.js';
import { EXIT, type ExitCode, usage } from '../../exit.js';
import { untilEndSignal } from '../../signals.js';
import { countOf, fileOf, isSet, natsOf, secretOf, settingOf } from './settings.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const PORT = { min: 0, max: 65_535 };

export async function run(call: Call): Promise<ExitCode> {
  const { serveGateway } = await import('../../../gateway.js');
  if (process.getuid?.() === 0) call.err.line('The gateway does not need root: run it as another user.', 'warn');
  const server = await serveGateway(optionsOf(call));
  const ended = untilEndSignal();
  const { url, metricsUrl } = server;
  // Standard output has the JSON lines of the log.
  if (call.isJson) call.out.json({ url, baseUrl: `${url}api/v1/`, metricsUrl });
  else call.err.line(`Gateway at ${url}: devices use the baseUrl ${url}api/v1/`, 'strong');
  await ended;
  await server.close();
  return EXIT.ok;
}

function optionsOf(call: Call): ServeOptions {
  const secret = secretOf(call, 'SECRET');
  if (secret === undefined)
    throw usage(
      'NIKDEV_GATEWAY_SECRET is not set',
      'Create one with openssl rand -base64 32, and use it on every machine.',
    );
  const [cert, key] = [fileOf(call, 'tls-cert'), fileOf(call, 'tls-key')];
  if ((cert === undefined) !== (key === undefined)) throw usage('--tls-cert and --tls-key must be set together');
  return {
    nats: natsOf(call),
    secret,
    upstream: settingOf(call, 'upstream'),
    partitions: countOf(call, 'partitions'),
    worker: !isSet(call, 'front-only'),
    host: settingOf(call, 'host'),
    port: countOf(call, 'port', PORT),
    metricsPort: countOf(call, 'metrics-port', PORT),
    tls: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    behindProxy: isSet(call, 'behind-proxy'),
    logLevel: levelOf(settingOf(call, 'log-level')),
  };
}

function levelOf(text = 'info'): (typeof LEVELS)[number] {
  const level = LEVELS.find((known) => known === text);
  if (level === undefined) throw usage(`--log-level must be ${LEVELS.join(', ')}`);
  return level;
}

import { codeWord } from '../core/model/foreign-text.js';
import { GatewayException } from './gateway-exception.js';

/** The optional peers of the gateway. */
const PEERS = {
  '@nats-io/transport-node': () => import('@nats-io/transport-node'),
  '@nats-io/jetstream': () => import('@nats-io/jetstream'),
  '@nats-io/kv': () => import('@nats-io/kv'),
  pino: () => import('pino'),
  'prom-client': () => import('prom-client'),
} as const;

type PeerName = keyof typeof PEERS;
type Peer<Name extends PeerName> = Awaited<ReturnType<(typeof PEERS)[Name]>>;

const INSTALL =
  'Install them: npm install @nats-io/transport-node@3.4 @nats-io/jetstream@3.4 @nats-io/kv@3.4 pino@10 prom-client@15';

/** Loads an optional peer. @throws GatewayException with the line that installs all of them, where it is missing. */
export async function loadPeer<Name extends PeerName>(name: Name): Promise<Peer<Name>> {
  try {
    return (await PEERS[name]()) as Peer<Name>;
  } catch (cause) {
    if (!/MODULE_NOT_FOUND$/.test(codeWord(cause) ?? '')) throw cause;
    throw new GatewayException(`the gateway needs the package ${name}, which is not installed`, INSTALL, { cause });
  }
}

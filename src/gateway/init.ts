import { connectNats } from './nats.js';
import { type GatewayInitOptions, resolveInitOptions } from './options.js';
import { provision } from './provision.js';

/**
 * Makes the streams, consumers and buckets of the gateways in a NATS cluster. Needed once; a later call adapts the sizes and the
 * number of replicas, and nothing else.
 *
 * @throws GatewayException naming an invalid option, or if the cluster has another number of partitions.
 * @example
 * ```ts
 * await initGateway({ replicas: 3, partitions: 64 })
 * ```
 */
export async function initGateway(options: GatewayInitOptions = {}): Promise<void> {
  const { nats: natsOptions, ...sizes } = resolveInitOptions(options);
  const nats = await connectNats(natsOptions);
  try {
    await provision(nats, sizes);
  } finally {
    await nats.close();
  }
}

import { connectNats } from './nats.js';
import { type GatewayInitOptions, resolveInitOptions } from './options.js';
import { provision } from './provision.js';

/**
 * Makes the streams, consumers and buckets of the gateways in a NATS cluster. Needed once; a later call adapts the sizes and the
 * number of replicas, and nothing else.
 *
 * @throws GatewayException naming an invalid option or a missing package; if the cluster can't be reached or is too small for the
 * replicas; if it has another number of partitions or another format; or if one of its streams is not a gateway's.
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

import { connectNats, type Nats } from './nats.js';
import { type GatewayNatsOptions, resolveNatsOptions } from './options.js';
import { type ClusterSettings, readSettings } from './settings.js';

/**
 * Connects to a cluster of gateways for one action, and disconnects after it. The settings are read first: before the first `init`, a
 * stream or bucket that does not exist is no loss.
 *
 * @throws GatewayException if the cluster can't be reached or has no gateway.
 */
export async function withCluster<Result>(
  given: GatewayNatsOptions | undefined,
  use: (nats: Nats, settings: ClusterSettings) => Promise<Result>,
): Promise<Result> {
  const nats = await connectNats(resolveNatsOptions(given));
  try {
    return await use(nats, await readSettings(nats));
  } finally {
    await nats.close();
  }
}

/**
 * A gateway in front of a NikDev server, on NATS JetStream: it accepts uploads, keeps them replicated, and forwards them.
 *
 * @module nikdev-iot/gateway
 */

export type { ServerCertificate } from './gateway/front/http-server.js';
export { createGateway, type Gateway, type GatewayMetrics } from './gateway/gateway.js';
export { GatewayException } from './gateway/gateway-exception.js';
export { initGateway } from './gateway/init.js';
export type { GatewayLogger } from './gateway/operations/logs.js';
export type { PartitionDepth } from './gateway/operations/queue-depth.js';
export type { GatewayInitOptions, GatewayNatsOptions, GatewayOptions } from './gateway/options.js';
export { listParked, type ParkedDeviceStatus, type ParkedOptions, retryParked } from './gateway/parked.js';
export {
  dropQuarantined,
  listQuarantined,
  type QuarantinedUpload,
  type QuarantineOptions,
  retryQuarantined,
} from './gateway/quarantined.js';
export { type GatewayServer, type ServeOptions, serveGateway } from './gateway/serve.js';
export { type GatewayStatus, gatewayStatus, type StreamStatus } from './gateway/status.js';

/*
 * A gateway as a process of its own, that kills itself where a test says so. Its argument is the JSON of ChildSettings.
 */
import { createFrontServer } from '../../../src/gateway/front/http-server.js';
import { createInternalGateway, type InternalGateway } from '../../../src/gateway/gateway.js';
import { DeviceClient } from '../../../src/gateway/worker/device-client.js';
import { Marks } from '../../../src/gateway/worker/marks.js';
import { ParkedMessages } from '../../../src/gateway/worker/parked-messages.js';

/** The places in which a gateway can be killed. */
export type KillPoint =
  /** A front, between the acknowledgement of the stream and its 202. */
  | 'acknowledged'
  /** A worker, between the response of upstream and the mark. */
  | 'stored'
  /** A worker, between the mark and the acknowledgement. */
  | 'marked'
  /** A worker, between the mark of a parked device and the copy of its message. */
  | 'parking';

export interface ChildSettings {
  readonly servers: readonly string[];
  readonly secret: string;
  readonly upstream: string;
  readonly port: number;
  readonly killAt?: KillPoint | undefined;
  /** The passage of the place at which it is killed. Default: 1. */
  readonly passage?: number | undefined;
}

const settings = JSON.parse(process.argv[2] ?? '') as ChildSettings;
let passages = 0;

function pass(point: KillPoint): void {
  if (point !== settings.killAt) return;
  passages += 1;
  if (passages === (settings.passage ?? 1)) process.kill(process.pid, 'SIGKILL');
}

const { attempt } = DeviceClient.prototype;
DeviceClient.prototype.attempt = async function (...args) {
  const result = await attempt.apply(this, args);
  if (result.stored.length > 0) pass('stored');
  return result;
};
const { add } = Marks.prototype;
Marks.prototype.add = async function (...args) {
  await add.apply(this, args);
  pass('marked');
};
const { add: copy } = ParkedMessages.prototype;
ParkedMessages.prototype.add = async function (...args) {
  pass('parking');
  await copy.apply(this, args);
};

const { servers, secret, upstream, port } = settings;

/** Starts again where the cluster has no leader, as the supervisor of a service does. */
async function open(): Promise<InternalGateway> {
  const gateway = createInternalGateway({ nats: { servers }, secret, upstream });
  gateway.news.on('accepted', () => pass('acknowledged'));
  const isReady = await gateway.ready.then(
    () => true,
    () => false,
  );
  return isReady ? gateway : open();
}

const gateway = await open();
const server = createFrontServer((request) => gateway.answer(request));
server.listen(port, '127.0.0.1', () => console.log('ready'));
process.once('SIGTERM', () => {
  server.close();
  void gateway.close().then(() => process.exit(0));
});

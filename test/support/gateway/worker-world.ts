import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterInfo } from '@nats-io/jetstream';
import type { Clock } from '../../../src/core/time/clock.js';
import { createEmulator, type Emulator } from '../../../src/emulator.js';
import { hashKey, Secret, Secrets } from '../../../src/gateway/keys/secret.js';
import { encodeUpload } from '../../../src/gateway/message.js';
import { consumerOf, PARKED, QUARANTINE, UPLOADS, uploadSubjectOf } from '../../../src/gateway/names.js';
import { connectNats, type Nats } from '../../../src/gateway/nats.js';
import { type GatewayEvents, GatewayNews } from '../../../src/gateway/news.js';
import { provision } from '../../../src/gateway/provision.js';
import type { WorkerKeys } from '../../../src/gateway/worker/delivery.js';
import { createWorker, type Worker } from '../../../src/gateway/worker/worker.js';
import { NatsCluster } from '../servers/nats-cluster.js';

/** The Device ID and the API keys of devices by number. */
export const deviceId = (number: number): string => `11111111-1111-4111-8111-${String(number).padStart(12, '0')}`;
export const keyOf = (number: number, generation = 0): string =>
  `${generation}2222222-2222-4222-8222-${String(number).padStart(12, '0')}`;

const MAX_DEVICES = 1000;
const GENERATIONS = 3;

/** A request as upstream received it. */
export interface UpstreamRequest {
  readonly device: string;
  readonly apiKey: string;
  readonly body: string;
  /** In milliseconds since the Unix epoch. */
  readonly at: number;
}

/** A fault of one device at upstream; `undefined` to handle the request. */
export type DeviceFault = (request: UpstreamRequest) => Response | Promise<Response | undefined> | undefined;

export const answer =
  (status: number): DeviceFault =>
  () =>
    new Response(JSON.stringify({ message: 'planted' }), { status });

/** An emulator whose answers to single devices can be replaced. */
export class FaultyUpstream {
  readonly emulator: Emulator;
  readonly faults = new Map<string, DeviceFault>();
  /** A fault of all devices. */
  outage: DeviceFault | undefined;
  readonly requests: UpstreamRequest[] = [];
  /** Called after an upload was stored, before its response is sent. */
  onStored = (_device: string): void => {};

  constructor(devices: number) {
    this.emulator = createEmulator({
      devices: Array.from({ length: devices }, (_, number) => ({
        deviceId: deviceId(number),
        apiKeys: Array.from({ length: GENERATIONS }, (_key, generation) => ({
          key: keyOf(number, generation),
          read: true,
          write: true,
        })),
      })),
    });
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const device = headers.get('x-device-id') ?? '';
    const request = { device, apiKey: headers.get('x-api-key') ?? '', body: String(init.body ?? ''), at: Date.now() };
    this.requests.push(request);
    const replaced = (await this.outage?.(request)) ?? (await this.faults.get(device)?.(request));
    if (replaced) return replaced;
    const response = (await this.emulator.fetch(url, init as never)) as Response;
    if (response.ok) this.onStored(device);
    return response;
  };

  /** For a server. */
  readonly handle = async (request: Request): Promise<Response> =>
    this.fetch(request.url, { method: request.method, headers: request.headers, body: await request.text() });

  /** The values that a device stored, in the order in which they came. */
  values(number: number): unknown[] {
    return this.emulator.entries(deviceId(number)).map(({ values }) => values[0]?.value);
  }
}

/** Keys that are known by construction: a stand-in for the sealed bucket. */
export class KnownKeys implements WorkerKeys {
  readonly #keys = new Map<string, string>();
  readonly accepted: string[] = [];
  readonly refused: string[] = [];
  readonly latest = new Map<string, string>();

  constructor(secret: Secret, devices: number) {
    for (let number = 0; number < devices; number++)
      for (let generation = 0; generation < GENERATIONS; generation++) {
        const key = keyOf(number, generation);
        this.#keys.set(hashKey(secret, deviceId(number), key), key);
      }
  }

  forget(keyHash: string): void {
    this.#keys.delete(keyHash);
  }

  async get(_device: string, keyHash: string): Promise<string | undefined> {
    return this.#keys.get(keyHash);
  }

  async latestAccepted(device: string): Promise<{ keyHash: string } | undefined> {
    const keyHash = this.latest.get(device);
    return keyHash === undefined ? undefined : { keyHash };
  }

  async onAccepted(device: string, keyHash: string): Promise<void> {
    this.accepted.push(keyHash);
    this.latest.set(device, keyHash);
  }

  async onRefused(_device: string, keyHash: string): Promise<void> {
    this.refused.push(keyHash);
  }
}

/** An upload of a test. */
export interface TestUpload {
  readonly device: number;
  /** The value of each entry; its sequence number if the entry is named. */
  readonly values: readonly (number | string)[];
  /** Default: the values as sequence numbers of the writer `w`. `null`: without names. */
  readonly entryIds?: string | null;
  /** Default: 0. */
  readonly generation?: number;
  readonly isVerified?: boolean;
  /** In milliseconds. */
  readonly offset?: number;
  readonly clientTimestamp?: number;
  readonly timestamp?: number;
}

export interface WorldOptions {
  readonly partitions?: number;
  readonly devices?: number;
}

/** Publishes uploads as a front does, and runs workers, on a real cluster. */
export class WorkerWorld {
  readonly cluster: NatsCluster;
  readonly nats: Nats;
  readonly #secret = randomBytes(32);
  readonly secrets = new Secrets(new Secret(this.#secret));
  readonly partitions: number;
  readonly upstream: FaultyUpstream;
  readonly keys: KnownKeys;
  readonly events: [keyof GatewayEvents, unknown][] = [];
  readonly news = new GatewayNews();
  readonly workers = new Set<Worker>();

  private constructor(cluster: NatsCluster, nats: Nats, { partitions = 4, devices = 8 }: WorldOptions) {
    this.cluster = cluster;
    this.nats = nats;
    this.partitions = partitions;
    this.upstream = new FaultyUpstream(Math.min(devices, MAX_DEVICES));
    this.keys = new KnownKeys(this.secrets.newest, devices);
    for (const name of ['forwarded', 'quarantined', 'parked', 'unparked', 'upstream-away', 'alarm'] as const)
      this.news.on(name, (event) => this.events.push([name, event]));
  }

  /** Provisions a cluster that has no streams yet. */
  static async open(cluster: NatsCluster, options: WorldOptions = {}): Promise<WorkerWorld> {
    const nats = await connectNats({ servers: cluster.servers });
    const world = new WorkerWorld(cluster, nats, options);
    const replicas = cluster.running.length === 1 ? 1 : 3;
    await provision(nats, { replicas, partitions: world.partitions, maxBytes: 2e8, maxMessagesPerDevice: 100_000 });
    return world;
  }

  /** The secret, for another process. */
  get secretText(): string {
    return this.#secret.toString('base64');
  }

  /** Starts a worker; `clock` replaces the system's. */
  async start(clock?: Clock): Promise<Worker> {
    const { nats, secrets, keys, news, partitions, upstream } = this;
    const worker = await createWorker({
      nats,
      secrets,
      keys,
      news,
      partitions,
      clock,
      upstream: { baseUrl: 'https://upstream.example/api/v1/', fetch: upstream.fetch as never, requestTimeout: 2 },
    });
    this.workers.add(worker);
    return worker;
  }

  /** @returns Whether the stream had the message already. */
  async publish(upload: TestUpload): Promise<{ readonly duplicate: boolean }> {
    const { headers, body } = this.encode(upload);
    return this.nats.js.publish(this.subjectOf(upload.device), body, {
      headers: this.nats.headers(headers),
      expect: { streamName: UPLOADS },
    });
  }

  /** The node that leads a stream. */
  async leaderOf(stream = UPLOADS): Promise<number> {
    return this.cluster.numberOf((await this.nats.jsm.streams.info(stream)).cluster?.leader);
  }

  /** Resolves once all replicas of the streams and consumers are complete: then another server may fail. */
  async untilReplicated(): Promise<void> {
    const { streams, consumers } = this.nats.jsm;
    const isComplete = ({ cluster }: { cluster?: ClusterInfo }): boolean =>
      cluster?.replicas?.every(({ current, offline }) => current && offline !== true) ?? false;
    await this.until(async () => {
      for await (const info of streams.list()) if (!isComplete(info)) return false;
      for await (const info of consumers.list(UPLOADS)) if (!isComplete(info)) return false;
      return true;
    });
  }

  /** Gives messages of a worker that was killed to another one sooner than after 15 s. */
  async shortenAckWait(milliseconds: number): Promise<void> {
    for (let partition = 0; partition < this.partitions; partition++)
      await this.nats.jsm.consumers.update(UPLOADS, consumerOf(partition), { ack_wait: milliseconds * 1e6 });
  }

  encode(upload: TestUpload): { headers: Record<string, string>; body: Uint8Array } {
    const { device, values, entryIds, generation = 0, isVerified = true, offset = 0 } = upload;
    const { clientTimestamp = 1_795_000_000, timestamp = clientTimestamp } = upload;
    const entries = values.map((value) => ({ timestamp, values: [{ a: value }] }));
    const id = deviceId(device);
    const encoded = encodeUpload(
      {
        device: id,
        offset,
        body: Buffer.from(JSON.stringify({ clientTimestamp, entries })),
        entryIds: entryIds === null ? undefined : (entryIds ?? `w/${values.join(',')}`),
        keyHash: this.hashOf(device, generation),
        isVerified,
      },
      this.secrets.newest,
    );
    return { headers: { ...encoded.headers }, body: encoded.body };
  }

  hashOf(device: number, generation = 0): string {
    return hashKey(this.secrets.newest, deviceId(device), keyOf(device, generation));
  }

  subjectOf(device: number): string {
    return uploadSubjectOf(deviceId(device), this.partitions);
  }

  /** The events of a name. */
  eventsOf<Name extends keyof GatewayEvents>(name: Name): GatewayEvents[Name][] {
    return this.events.filter(([of]) => of === name).map(([, event]) => event as GatewayEvents[Name]);
  }

  /** The messages of each stream. */
  async depths(): Promise<{ queued: number; parked: number; quarantined: number }> {
    const count = async (stream: string) => (await this.nats.jsm.streams.info(stream)).state.messages;
    const [queued, parked, quarantined] = await Promise.all([count(UPLOADS), count(PARKED), count(QUARANTINE)]);
    return { queued, parked, quarantined };
  }

  /** Waits until the queue is empty, or throws after a time in milliseconds. */
  async untilForwarded(milliseconds = 60_000): Promise<void> {
    await this.until(async () => (await this.depths()).queued === 0, milliseconds);
  }

  /** Waits until the streams hold these numbers of messages. */
  async untilDepths(expected: Awaited<ReturnType<WorkerWorld['depths']>>): Promise<void> {
    await this.until(async () => isDeepStrictEqual(await this.depths(), expected));
  }

  async until(isTrue: () => boolean | Promise<boolean>, milliseconds = 60_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!(await Promise.resolve(isTrue()).catch(() => false))) {
      if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${isTrue}\n${await this.describe()}`);
      await delay(20);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.workers, (worker) => worker.close()));
    await this.nats.close();
  }

  /** Deletes all streams. */
  async clear(): Promise<void> {
    for await (const { config } of this.nats.jsm.streams.list()) await this.nats.jsm.streams.delete(config.name);
  }

  private async describe(): Promise<string> {
    const depths = await this.depths().catch(String);
    const consumers: unknown[] = [];
    for (let partition = 0; partition < this.partitions; partition++)
      consumers.push(await this.nats.jsm.consumers.info(UPLOADS, consumerOf(partition)).catch(String));
    return JSON.stringify([depths, this.events.slice(-20), consumers]);
  }
}

export const startCluster = (nodes: number): Promise<NatsCluster> => NatsCluster.start({ nodes });

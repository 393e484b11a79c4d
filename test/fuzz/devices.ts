import type { Answer, Transport } from '../../src/core/ports/transport.js';
import { Api, type ApiOptions } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import type { Lifecycle } from '../simulation/lifecycle.js';
import { Machine } from '../simulation/machine.js';
import type { Random } from '../simulation/random.js';
import { SimulatedTime } from '../simulation/time.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { received } from '../support/fakes/fake-server.js';

export const BASE_URL = 'https://iot.example/api/v1/';
export const DEVICES = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;

/** A server that keeps what it was sent. */
export class FuzzedServer implements Transport {
  readonly bodies: string[] = [];
  answer: (body: string) => Answer = () => received(200);

  send({ body = '' }: { body?: string | undefined }): { answer: Promise<Answer>; abort(): void } {
    this.bodies.push(body);
    return { answer: Promise.resolve(this.answer(body)), abort() {} };
  }
}

/** A machine with a folder of journals, and the processes that use it. */
export class Devices {
  readonly time = new SimulatedTime();
  readonly machine: Machine;
  readonly server = new FuzzedServer();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.machine = new Machine(this.time, random);
  }

  /** Starts a process. @returns A function that opens an `Api` in it, all on one storage object. */
  start(): { readonly lifecycle: Lifecycle; open(options?: Partial<ApiOptions>): Api } {
    const { lifecycle, platform } = this.machine.start(0);
    const storage = fileStorage(this.machine.disk.folder, { durability: 'process' }, platform);
    const clock = this.time.clockOf(lifecycle, this.#random);
    const ports = { clock, transport: this.server, environment: new FakeEnvironment() };
    const credentials = { deviceId: DEVICES[0], apiKey: SENTINEL_KEY, baseUrl: BASE_URL };
    return { lifecycle, open: (options) => new Api({ ...credentials, storage, ...options }, ports) };
  }

  /** The contents of the files, one character a byte, by name. */
  files(): Map<string, string> {
    return new Map(
      Array.from(this.machine.disk.cached, ([name, inode]) => [name, inode.cached.view().toString('latin1')]),
    );
  }
}

import type { Emulator } from '../../../src/emulator.js';
import type { ApiOptions } from '../../../src/index.js';
import { DEVICE_ID } from '../builders/credentials.js';
import { oneDevice } from './emulator.js';
import { serveOnLoopback } from './serve-on-loopback.js';

/** The header by which a process or a tab tells the server its name. */
export const SENDER = 'x-sender';

/** A fetch that tells the server who sends. */
export function fetchAs(sender: string): NonNullable<ApiOptions['fetch']> {
  return (input, init) => {
    const request = new Request(input, init);
    request.headers.set(SENDER, sender);
    return fetch(request);
  };
}

/** What was stored by one request, and whose it was. */
interface Upload {
  readonly sender: string;
  readonly entries: readonly string[];
}

/** How a server keeps its clients waiting, in milliseconds. */
export interface Delays {
  readonly beforeStoring?: () => number;
  readonly beforeAnswering?: () => number;
}

/** A request that is kept waiting. */
export interface Lease {
  /** Resolves once there is one. */
  readonly reached: Promise<void>;
  release(): void;
  /** It gets no further: if it is not stored yet, it never is. */
  drop(): void;
}

/** What must be empty, whatever was killed and when. */
export interface Faults {
  /** Commits that returned, and that the server never got. */
  readonly lost: readonly string[];
  /** Entries that the server got more often than the last batches of the killed explain. */
  readonly doubled: readonly string[];
  /** Entries whose first delivery came after that of a later one of the same writer. */
  readonly disordered: readonly string[];
  /** Entries that were sent by another than their writer, while that one was alive. */
  readonly robbed: readonly string[];
  /** Entries that arrived though their commit did not return, other than the one that was cut off. */
  readonly invented: readonly string[];
}

/**
 * Counts what writers said they committed against what the server stored. Each writer is a process or a tab with a name
 * of its own; its entries have one value, which begins with `<name>-<number>`, numbers counting up from 0.
 */
export class Deliveries {
  readonly emulator: Emulator = oneDevice();
  /** By writer, how many commits returned. */
  readonly #acknowledged = new Map<string, number>();
  readonly #uploads: Upload[] = [];
  readonly #arrived = new Set<string>();
  /** By sender, the last of its uploads. */
  readonly #last = new Map<string, Upload>();
  /** By writer that was killed, how many uploads had been stored before. */
  readonly #killed = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  /** By sender and place. */
  readonly #holds = new Map<string, { reach(): void; readonly goesOn: Promise<boolean> }>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Serves the emulator until the test has finished. A page acknowledges entries by posting them to `/committed`.
   *
   * @returns The `baseUrl`.
   */
  async serve({ beforeStoring, beforeAnswering }: Delays = {}): Promise<string> {
    const url = await serveOnLoopback(async (request) => {
      if (request.method !== 'POST') return withSenderAllowed(await this.emulator.fetch(request));
      const { url, headers } = request;
      const body = await request.text();
      if (new URL(url).pathname === '/committed') {
        this.acknowledge(body);
        return new Response(null, { status: 204, headers: { 'Access-Control-Allow-Origin': '*' } });
      }
      const sender = headers.get(SENDER) ?? '';
      if (!(await this.#pass(sender, 'storing', beforeStoring))) return new Response(null, { status: 503 });
      const stored = this.#turn.then(() => this.#store(new Request(url, { method: 'POST', headers, body }), body));
      this.#turn = stored.catch(() => {});
      const response = await stored;
      await this.#pass(sender, 'answering', beforeAnswering);
      return response;
    });
    return `${url}api/v1/`;
  }

  acknowledge(entry: string): void {
    const { writer, number } = parse(entry);
    const count = this.#acknowledged.get(writer) ?? 0;
    if (number !== count) throw new Error(`${entry} was acknowledged after ${count} commits`);
    this.#acknowledged.set(writer, count + 1);
    this.#tell();
  }

  /** To be called right before a writer is killed: from then on others may send what it left. */
  willKill(writer: string): void {
    this.#killed.set(writer, this.#uploads.length);
  }

  /** Resolves as soon as something holds, which is asked after each commit and each upload. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const ask = (): void => {
        if (!holds()) return;
        this.#listeners.delete(ask);
        resolve();
      };
      this.#listeners.add(ask);
      ask();
    });
  }

  /** Keeps the next request of a sender waiting, before what it brings is stored or before it is answered. */
  hold(sender: string, before: 'storing' | 'answering'): Lease {
    let reach = (): void => {};
    let goOn: (goesOn: boolean) => void = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const goesOn = new Promise<boolean>((resolve) => {
      goOn = resolve;
    });
    this.#holds.set(`${sender} ${before}`, { reach, goesOn });
    return { reached, release: () => goOn(true), drop: () => goOn(false) };
  }

  acknowledgedBy(writer: string): number {
    return this.#acknowledged.get(writer) ?? 0;
  }

  /** How many commits returned. */
  get acknowledged(): number {
    let sum = 0;
    for (const count of this.#acknowledged.values()) sum += count;
    return sum;
  }

  /** How many deliveries were of an entry that had been delivered before. */
  get repeated(): number {
    let sum = 0;
    for (const { entries } of this.#uploads) sum += entries.length;
    return sum - this.#arrived.size;
  }

  /** Whether all that a writer's commits returned for has arrived. */
  hasAllOf(writer: string): boolean {
    return this.#missingOf(writer).length === 0;
  }

  get faults(): Faults {
    const stored = this.emulator.entries(DEVICE_ID).map(({ values }) => idOf(values[0]?.value));
    const counted = this.#uploads.flatMap((upload) => upload.entries);
    if (stored.join() !== counted.join()) throw new Error('what was counted is not what the emulator stored');
    const ids = [...this.#arrived];
    return {
      lost: [...this.#acknowledged.keys()].flatMap((writer) => this.#missingOf(writer)),
      doubled: this.#findDoubled(),
      disordered: findDisordered(ids),
      robbed: this.#findRobbed(),
      invented: ids.filter((id) => {
        const { writer, number } = parse(id);
        return number > this.acknowledgedBy(writer) - (this.#killed.has(writer) ? 0 : 1);
      }),
    };
  }

  #missingOf(writer: string): string[] {
    const ids = Array.from({ length: this.acknowledgedBy(writer) }, (_, number) => `${writer}-${number}`);
    return ids.filter((id) => !this.#arrived.has(id));
  }

  /**
   * A kill between the server's answer and its note in the storage doubles what was under way, and no more: of all the
   * times that an entry is stored, one at most may be by anything else than the last batch of a sender that was killed.
   */
  #findDoubled(): string[] {
    const times = new Map<string, number>();
    for (const upload of this.#uploads) {
      const { sender, entries } = upload;
      if (this.#killed.has(sender) && this.#last.get(sender) === upload) continue;
      for (const entry of entries) times.set(entry, (times.get(entry) ?? 0) + 1);
    }
    return [...times].filter(([, count]) => count > 1).map(([entry]) => entry);
  }

  #findRobbed(): string[] {
    return this.#uploads.flatMap(({ sender, entries }, index) =>
      entries.filter((entry) => {
        const { writer } = parse(entry);
        return writer !== sender && (this.#killed.get(writer) ?? Number.POSITIVE_INFINITY) > index;
      }),
    );
  }

  /** @returns Whether the request goes on. */
  async #pass(sender: string, before: 'storing' | 'answering', delay: (() => number) | undefined): Promise<boolean> {
    const hold = this.#holds.get(`${sender} ${before}`);
    hold?.reach();
    if (hold) return hold.goesOn;
    if (delay) await wait(delay());
    return true;
  }

  /** One at a time, so that what is counted is in the order of what is stored. */
  async #store(request: Request, body: string): Promise<Response> {
    const sender = request.headers.get(SENDER) ?? '';
    const response = (await this.emulator.fetch(request)) as Response;
    if (!response.ok) throw new Error(`the emulator answered ${response.status}`);
    const { entries } = JSON.parse(body) as { entries: { values: Record<string, unknown>[] }[] };
    const upload = { sender, entries: entries.map(({ values }) => idOf(Object.values(values[0] ?? {})[0])) };
    this.#uploads.push(upload);
    this.#last.set(sender, upload);
    for (const entry of upload.entries) this.#arrived.add(entry);
    this.#tell();
    return response;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function findDisordered(ids: readonly string[]): string[] {
  const latest = new Map<string, number>();
  return ids.filter((id) => {
    const { writer, number } = parse(id);
    const before = latest.get(writer) ?? -1;
    latest.set(writer, Math.max(before, number));
    return number < before;
  });
}

function idOf(value: unknown): string {
  return String(value).split(' ', 1)[0] ?? '';
}

function parse(id: string): { readonly writer: string; readonly number: number } {
  const dash = id.lastIndexOf('-');
  return { writer: id.slice(0, dash), number: Number(id.slice(dash + 1)) };
}

/** Pages of another origin ask whether they may send the header. */
function withSenderAllowed(response: Response): Response {
  const allowed = response.headers.get('Access-Control-Allow-Headers');
  if (allowed !== null) response.headers.set('Access-Control-Allow-Headers', `${allowed}, ${SENDER}`);
  return response;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

import type { Emulator } from '../../../src/emulator.js';
import type { ApiOptions } from '../../../src/index.js';
import { DEVICE_ID } from '../builders/credentials.js';
import { oneDevice } from './emulator.js';
import { serveOnLoopback } from './serve-on-loopback.js';

/** The header with the name of the process or tab that sends. */
export const SENDER = 'x-sender';

/** A fetch that adds the name of the sender. */
export function fetchAs(sender: string): NonNullable<ApiOptions['fetch']> {
  return (input, init) => {
    const request = new Request(input, init);
    request.headers.set(SENDER, sender);
    return fetch(request);
  };
}

/** The entries stored by one request, and its sender. */
interface Upload {
  readonly sender: string;
  readonly entries: readonly string[];
}

/** The delays of a server, in milliseconds. */
export interface Delays {
  readonly beforeStoring?: () => number;
  readonly beforeAnswering?: () => number;
}

/** A request that the server holds back. */
export interface HeldRequest {
  /** Resolves once the request has arrived. */
  readonly reached: Promise<void>;
  release(): void;
  /** Drops the request: if it is not stored yet, it never is. */
  drop(): void;
}

/** The faults of a run, all of which must be empty, whatever was killed and when. */
export interface Faults {
  /** Acknowledged commits that the server never received. */
  readonly lost: readonly string[];
  /** Entries received more often than the last batches of the killed explain. */
  readonly doubled: readonly string[];
  /** Entries whose first delivery came after that of a later one of the same writer. */
  readonly disordered: readonly string[];
  /** Entries sent by another process or tab while their writer was alive. */
  readonly adoptedFromLiving: readonly string[];
  /** Entries that arrived though their commit did not return, other than the one that was cut off. */
  readonly invented: readonly string[];
}

/**
 * Compares the acknowledged commits of writers with the entries that the server stored. Each writer is a process or a tab
 * with a unique name; its entries have one value, which begins with `<name>-<number>`, numbers counting up from 0.
 */
export class DeliveryLog {
  readonly emulator: Emulator = oneDevice();
  /** By writer, the number of acknowledged commits. */
  readonly #acknowledged = new Map<string, number>();
  readonly #uploads: Upload[] = [];
  readonly #arrived = new Set<string>();
  /** By sender, the last of its uploads. */
  readonly #last = new Map<string, Upload>();
  /** By killed writer, the number of uploads stored before. */
  readonly #killed = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  /** By sender and place. */
  readonly #holds = new Map<string, { reach(): void; readonly goesOn: Promise<boolean> }>();
  #storing: Promise<unknown> = Promise.resolve();

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
      const stored = this.#storing.then(() => this.#store(new Request(url, { method: 'POST', headers, body }), body));
      this.#storing = stored.catch(() => {});
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
    this.#notify();
  }

  /** Called right before a writer is killed: from then on others may send its entries. */
  willKill(writer: string): void {
    this.#killed.set(writer, this.#uploads.length);
  }

  /** Resolves as soon as a condition holds, which is checked after each commit and each upload. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isMet()) return;
        this.#listeners.delete(check);
        resolve();
      };
      this.#listeners.add(check);
      check();
    });
  }

  /** Holds the next request of a sender back, before its entries are stored or before it is answered. */
  hold(sender: string, before: 'storing' | 'answering'): HeldRequest {
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

  /** The number of acknowledged commits. */
  get acknowledged(): number {
    let sum = 0;
    for (const count of this.#acknowledged.values()) sum += count;
    return sum;
  }

  /** The number of repeated deliveries. */
  get repeated(): number {
    let sum = 0;
    for (const { entries } of this.#uploads) sum += entries.length;
    return sum - this.#arrived.size;
  }

  /** Whether all acknowledged commits of a writer have arrived. */
  hasAllOf(writer: string): boolean {
    return this.#missingOf(writer).length === 0;
  }

  get faults(): Faults {
    const stored = this.emulator.entries(DEVICE_ID).map(({ values }) => idOf(values[0]?.value));
    const counted = this.#uploads.flatMap((upload) => upload.entries);
    if (stored.join() !== counted.join()) throw new Error('the log differs from the entries that the emulator stored');
    const ids = [...this.#arrived];
    return {
      lost: [...this.#acknowledged.keys()].flatMap((writer) => this.#missingOf(writer)),
      doubled: this.#findDoubled(),
      disordered: findDisordered(ids),
      adoptedFromLiving: this.#findAdoptedFromLiving(),
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
   * A kill between the server's answer and the removal from the storage duplicates only the batch in flight: an entry is
   * stored at most once by any other request than the last batch of a killed sender.
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

  #findAdoptedFromLiving(): string[] {
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

  /** One at a time, so that the log has the order of the stored entries. */
  async #store(request: Request, body: string): Promise<Response> {
    const sender = request.headers.get(SENDER) ?? '';
    const response = (await this.emulator.fetch(request)) as Response;
    if (!response.ok) throw new Error(`the emulator answered ${response.status}`);
    const { entries } = JSON.parse(body) as { entries: { values: Record<string, unknown>[] }[] };
    const upload = { sender, entries: entries.map(({ values }) => idOf(Object.values(values[0] ?? {})[0])) };
    this.#uploads.push(upload);
    this.#last.set(sender, upload);
    for (const entry of upload.entries) this.#arrived.add(entry);
    this.#notify();
    return response;
  }

  #notify(): void {
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

/** Allows pages of another origin to send the header. */
function withSenderAllowed(response: Response): Response {
  const allowed = response.headers.get('Access-Control-Allow-Headers');
  if (allowed !== null) response.headers.set('Access-Control-Allow-Headers', `${allowed}, ${SENDER}`);
  return response;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

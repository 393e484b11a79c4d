import type { Answer, TransportRequest } from '../../../src/core/ports/transport.js';
import { FakeServer, received } from './fake-server.js';

/** Whether a server refuses a value; entries have one field, as `commitEach` makes them. */
export type Minds = (value: unknown) => boolean;

/** A server that refuses a whole request for one bad entry in it, and records the entries that it stores. */
export class PickyServer extends FakeServer {
  /** The values of all entries stored, in the order of their arrival. */
  readonly stored: unknown[] = [];
  /** Of each request, how many entries it carried. */
  readonly sizes: number[] = [];
  /** Answers every request, unread, while it is set. */
  outage: (() => Answer) | undefined;
  /** Answers in place of this server, where it does. */
  instead: ((values: readonly unknown[]) => Answer | undefined) | undefined;
  minds: Minds;
  /** Of a rejection. */
  status: number;

  constructor(minds: Minds = () => false, status = 400) {
    super((request) => this.#take(request));
    this.minds = minds;
    this.status = status;
  }

  #take({ body = '' }: TransportRequest): Answer {
    if (this.outage !== undefined) return this.outage();
    const { entries } = JSON.parse(body) as { entries: { values: object[] }[] };
    const values = entries.map(({ values }) => Object.values(values[0] ?? {})[0]);
    this.sizes.push(values.length);
    const answer = this.instead?.(values);
    if (answer !== undefined) return answer;
    const bad = values.find(this.minds);
    if (bad !== undefined) return received(this.status, { message: `${bad} is not wanted.` });
    for (const value of values) this.stored.push(value);
    return received(200);
  }
}

/** The numbers from `first` to `last`. */
export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

import type { Answer, TransportRequest } from '../../../src/core/ports/transport.js';
import { FakeServer, received } from './fake-server.js';

export type WireValue = { value: unknown; timestamp: number | null };

/** A server that holds last values, which the test changes; its clock is 1000 s behind by default. */
export class ValuesServer extends FakeServer {
  readonly values = new Map<string, WireValue>();
  servertime = 1_795_348_662;
  /** An answer in place of values; `undefined` for values. */
  misfortune: (ids: readonly string[]) => Answer | Promise<Answer> | undefined = () => undefined;

  constructor(values: Readonly<Record<string, unknown>> = {}) {
    super();
    for (const [id, value] of Object.entries(values)) this.set(id, value);
    this.answerWith((request) => {
      if (request.method === 'POST') return received(200);
      const ids = idsOf(request);
      return this.misfortune(ids) ?? received(200, this.#body(ids));
    });
  }

  set(id: string, value: unknown, timestamp: number | null = 1_795_348_000): void {
    this.values.set(id, { value, timestamp });
  }

  /** The ids of each request for values. */
  get asked(): string[][] {
    return this.requests.filter(({ method }) => method === 'GET').map(idsOf);
  }

  #body(ids: readonly string[]) {
    const values = ids.filter((id) => this.values.has(id)).map((id) => ({ [id]: this.values.get(id) }));
    return { data: { servertime: this.servertime, values } };
  }
}

function idsOf({ url }: TransportRequest): string[] {
  return url
    .slice(url.indexOf('/values/') + '/values/'.length)
    .split(',')
    .map(decodeURIComponent);
}

import type { Answer, Transport, TransportRequest } from '../../../src/core/ports/transport.js';

/** Stands in for the network: answers are given by hand, or by a function. */
export class FakeServer implements Transport {
  readonly requests: TransportRequest[] = [];
  /** The number of requests without an answer, now and at most. */
  underWay = 0;
  mostUnderWay = 0;
  #answer: (request: TransportRequest) => Answer | Promise<Answer>;

  constructor(answer: (request: TransportRequest) => Answer | Promise<Answer> = () => received(200)) {
    this.#answer = answer;
  }

  /** Changes the answers from now on. */
  answerWith(answer: (request: TransportRequest) => Answer | Promise<Answer>): void {
    this.#answer = answer;
  }

  send(request: TransportRequest) {
    this.requests.push(request);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    let abort = (): void => {};
    const aborted = new Promise<Answer>((resolve) => {
      abort = () => resolve({ received: false, reason: 'aborted' });
    });
    const answer = Promise.race([Promise.resolve().then(() => this.#answer(request)), aborted]);
    return { answer: answer.finally(() => (this.underWay -= 1)), abort };
  }

  /** The values that were uploaded, request by request. */
  get uploads(): unknown[][] {
    return this.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) =>
        (JSON.parse(body ?? '') as { entries: { values: unknown }[] }).entries.map(({ values }) => values),
      );
  }
}

export function received(status: number, body: unknown = { data: {} }): Answer {
  return {
    received: true,
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    contentType: 'application/json',
    retryAfter: undefined,
    date: undefined,
  };
}

/** An answer that is given later. */
export function held(): { answer: Promise<Answer>; give(answer: Answer): void } {
  let give = (_answer: Answer): void => {};
  const answer = new Promise<Answer>((resolve) => {
    give = resolve;
  });
  return { answer, give: (given) => give(given) };
}

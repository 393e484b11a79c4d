import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AbortSignalLike, type Entry, isApiException, memoryStorage, PushException } from '../../src/index.js';
import { expectBadLuck, pushFailure, rejectionOf } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { asUploaded, type UploadedEntry, uploadedEntries } from '../support/builders/uploads.js';
import { turn } from '../support/fakes/fake-clock.js';
import { deferred, reply, StubFetch } from '../support/fakes/stub-fetch.js';

/** An `Api` whose server answers when the test says so, one answer a request. */
function openHeld(options: Parameters<typeof openApi>[0] = {}) {
  const held: ReturnType<typeof deferred<Response>>[] = [];
  const stub = new StubFetch(() => {
    const answer = deferred<Response>();
    held.push(answer);
    return answer.promise;
  });
  const api = openApi({ fetch: stub.fetch, ...options });
  return {
    api,
    stub,
    /** Answers the request under way, and lets run what that sets going. */
    async answer(status = 200): Promise<void> {
      await turn();
      const answer = held.shift();
      if (answer === undefined) throw new Error('no request is under way');
      answer.resolve(reply(status));
      await turn();
    },
  };
}

/** Whether a promise is settled once everything has run that waits only for promises. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  void promise.then(settle, settle);
  await turn();
  return settled;
}

describe('a commit during a push', () => {
  test('F17 stays queued, is not sent by it, and is sent only by the next push', async () => {
    const { api, stub, answer } = openHeld();
    const first = commitEach(api, 1);
    const push = api.push();
    const meanwhile = commitEach(api, 2);
    await answer();
    expect(await push).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(api.log()).toEqual(meanwhile);
    const next = api.push();
    await answer();
    expect(await next).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(stub.uploads).toEqual([asUploaded(first), asUploaded(meanwhile)]);
  });

  test('F17 stays queued between two requests of one push too', async () => {
    const { api, stub, answer } = openHeld({ maxEntriesPerRequest: 1 });
    const first = commitEach(api, 1, 2);
    const push = api.push();
    await answer();
    const meanwhile = commitEach(api, 3);
    await answer();
    expect(await push).toEqual({ pushed: 2, requests: 2, expired: 0 });
    expect(stub.uploads).toEqual(first.map((entry) => asUploaded([entry])));
    expect(api.log()).toEqual(meanwhile);
  });

  test('F17 is neither removed by a reset of the staged values nor revived by one of the entries', async () => {
    const { api, answer } = openHeld();
    commitEach(api, 1);
    const push = api.push();
    api.resetUnpushedEntries();
    const meanwhile = commitEach(api, 2);
    api.reset();
    await answer();
    await push;
    expect(api.log()).toEqual(meanwhile);
  });
});

describe('an adoption during a push', () => {
  test('F17 harms nothing: entries sent leave the queue, adopted ones are sent too', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    const left = commitEach(dead, 1, 2);
    await dead.close();
    const answer = deferred<Response>();
    const stub = new StubFetch((_request, index) => (index === 0 ? answer.promise : reply(200)));
    const api = openApi({ fetch: stub.fetch, storage });
    const own = commitEach(api, 3);
    const push = api.push();
    await api.ready;
    expect(api.log()).toEqual([...left, ...own]);
    answer.resolve(reply(200));
    await push;
    await api.push();
    expect(stub.uploads.flat()).toEqual([...asUploaded(own), ...asUploaded(left)]);
    expect(api.log()).toEqual([]);
  });
});

describe('two pushes at once', () => {
  test('F17 one request is in flight; the second push sends entries committed between the two', async () => {
    const { api, stub, answer } = openHeld();
    const one = commitEach(api, 1);
    const first = api.push();
    const two = commitEach(api, 2);
    const second = api.push();
    await turn();
    expect(stub.requests).toHaveLength(1);

    await answer();
    await first;
    expect(await isSettled(second)).toBe(false);
    expect(stub.requests).toHaveLength(2);
    await answer();
    await second;
    expect(stub.uploads).toEqual([asUploaded(one), asUploaded(two)]);
    expect(stub.mostUnderWay).toBe(1);
    expect(api.log()).toEqual([]);
  });

  test('F17 a second push with nothing new resolves with the first, without a request of its own', async () => {
    const { api, stub, answer } = openHeld();
    commitEach(api, 1, 2);
    const pushes = [api.push(), api.push(), api.push()];
    await answer();
    expect(await Promise.all(pushes)).toEqual(new Array(3).fill({ pushed: 2, requests: 1, expired: 0 }));
    expect(stub.requests).toHaveLength(1);
  });

  test("F17 a second push rejects with the shared run's exception, also for entries that only it would have sent", async () => {
    const { api, stub, answer } = openHeld();
    const one = commitEach(api, 1);
    const first = pushFailure(api.push());
    const two = commitEach(api, 2);
    const second = pushFailure(api.push());
    await answer(503);
    expect(await second).toBe(await first);
    expectBadLuck(await first);
    expect(stub.requests).toHaveLength(1);
    expect(api.log()).toEqual([...one, ...two]);
  });

  test('F17 a first push that is answered is not harmed by the second one failing later', async () => {
    const { api, answer } = openHeld();
    commitEach(api, 1);
    const first = api.push();
    const two = commitEach(api, 2);
    const second = pushFailure(api.push());
    await answer(200);
    expect(await first).toMatchObject({ pushed: 1 });
    await answer(503);
    expectBadLuck(await second);
    expect(api.log()).toEqual(two);
  });

  test('F17 any number of pushes can join: 200,000 are answered', async () => {
    const { api, answer } = openHeld();
    let answered = 0;
    const push = (): void => {
      const count = (): number => ++answered;
      api.push().then(count, count);
    };
    commitEach(api, 1);
    push();
    commitEach(api, 2);
    for (let joined = 0; joined < 200_000; joined++) push();
    await answer();
    await answer();
    expect(answered).toBe(200_001);
    expect(api.status()).toMatchObject({ committed: 0, pushing: false });
  });

  test('F17 status() says that a push is under way, and no longer when it is answered', async () => {
    const { api, answer } = openHeld();
    commitEach(api, 1);
    expect(api.status().pushing).toBe(false);
    const push = api.push();
    expect(api.status().pushing).toBe(true);
    await answer();
    await push;
    await turn();
    expect(api.status().pushing).toBe(false);
  });

  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('commit' as const) },
      { weight: 3, arbitrary: fc.constant('push' as const) },
      {
        weight: 3,
        arbitrary: fc.constantFrom('answer 200' as const, 'answer 503' as const, 'lose the answer' as const),
      },
      { weight: 1, arbitrary: fc.constant('push and abort' as const) },
    ),
    { maxLength: 40 },
  );

  test('F17 whatever happens in whatever order: one in flight, first deliveries in order, nothing lost', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (steps, maxEntriesPerRequest) => {
        const delivered: UploadedEntry[] = [];
        let waiting: { body: string; answer: ReturnType<typeof deferred<Response>> } | undefined;
        const stub = new StubFetch(({ body }) => {
          waiting = { body, answer: deferred<Response>() };
          return waiting.answer.promise;
        });
        const api = openApi({ fetch: stub.fetch, maxEntriesPerRequest });
        const committed: Entry[] = [];
        const pushes: Promise<unknown>[] = [];
        const wasDelivered = ({ values }: Entry): boolean =>
          delivered.some((entry) => entry.values[0]?.[1] === values[0]?.value);
        const answer = async (how: 'answer 200' | 'answer 503' | 'lose the answer'): Promise<void> => {
          await turn();
          const request = waiting;
          waiting = undefined;
          if (how !== 'answer 503') {
            for (const entry of request === undefined ? [] : uploadedEntries(request.body)) {
              if (!delivered.some((other) => other.values[0]?.[1] === entry.values[0]?.[1])) delivered.push(entry);
            }
          }
          if (how === 'lose the answer') request?.answer.reject(new TypeError('terminated'));
          else request?.answer.resolve(reply(how === 'answer 200' ? 200 : 503));
          await turn();
        };

        for (const step of steps) {
          if (step === 'commit') committed.push(...commitEach(api, committed.length));
          else if (step === 'push' || step === 'push and abort') {
            const before = [...committed];
            const abort = new AbortController();
            pushes.push(
              api.push({ signal: abort.signal }).then(
                () => expect(before.every(wasDelivered)).toBe(true),
                (exception) => expect(exception).toBeInstanceOf(PushException),
              ),
            );
            if (step === 'push and abort') {
              await turn();
              abort.abort();
            }
          } else await answer(step);
        }
        let last: Promise<unknown> | undefined;
        for (let settled = false; !settled; settled = await isSettled(last)) {
          last ??= Promise.allSettled(pushes).then(() => api.push());
          await answer('answer 200');
        }
        await Promise.all(pushes);
        await last;
        expect(stub.mostUnderWay).toBeLessThanOrEqual(1);
        expect(delivered).toEqual(asUploaded(committed));
        expect(api.log()).toEqual([]);
        expect(api.status()).toMatchObject({ committed: 0, bytes: 0, pushing: false });
        await api.close();
      }),
    );
  });
});

describe('a push with a signal', () => {
  test('F18 that is aborted already: no request, all kept', async () => {
    const { api, stub } = openHeld();
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push({ signal: AbortSignal.abort() })));
    await turn();
    expect(stub.requests).toEqual([]);
    expect(api.log()).toEqual(entries);
    expect(api.status().pushing).toBe(false);
  });

  test('F18 that is aborted already: a push under way is not disturbed', async () => {
    const { api, stub, answer } = openHeld();
    commitEach(api, 1);
    const first = api.push();
    await turn();
    expectBadLuck(await pushFailure(api.push({ signal: AbortSignal.abort() })));
    expect(stub.requests[0]?.signal.aborted).toBe(false);
    await answer();
    expect(await first).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F18 that aborts during the push: rejects at once, the request is given up, all kept and stored by the next', async () => {
    const { api, stub } = openHeld();
    const entries = commitEach(api, 1, 2);
    const abort = new AbortController();
    const failure = pushFailure(api.push({ signal: abort.signal }));
    await turn();
    abort.abort(new Error('the user left'));
    expectBadLuck(await failure);
    await turn();
    expect(stub.requests[0]?.signal.aborted).toBe(true);
    expect(api.log()).toEqual(entries);
    expect(api.status().pushing).toBe(false);

    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(stub.uploads[1]).toEqual(asUploaded(entries));
    expect(api.log()).toEqual([]);
  });

  test('F18 that aborts between two requests: what the first one stored has left, the rest is kept', async () => {
    const { api, answer } = openHeld({ maxEntriesPerRequest: 1 });
    const entries = commitEach(api, 1, 2, 3);
    const abort = new AbortController();
    const failure = pushFailure(api.push({ signal: abort.signal }));
    await answer();
    abort.abort();
    expectBadLuck(await failure);
    expect(api.log()).toEqual(entries.slice(1));
  });

  test('F18 that joined: its signal rejects only itself', async () => {
    const { api, stub, answer } = openHeld();
    commitEach(api, 1);
    const first = api.push();
    const abort = new AbortController();
    const joined = pushFailure(api.push({ signal: abort.signal }));
    await turn();
    abort.abort();
    expectBadLuck(await joined);
    expect(stub.requests[0]?.signal.aborted).toBe(false);
    await answer();
    expect(await first).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(stub.requests).toHaveLength(1);
  });

  test('F18 that began it: the one that joined goes on, by the same request', async () => {
    const { api, stub, answer } = openHeld();
    commitEach(api, 1);
    const abort = new AbortController();
    const first = pushFailure(api.push({ signal: abort.signal }));
    const joined = api.push();
    await turn();
    abort.abort();
    expectBadLuck(await first);
    expect(stub.requests[0]?.signal.aborted).toBe(false);
    await answer();
    expect(await joined).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F18 that joined with later commits and aborts: they stay, and are not sent', async () => {
    const { api, stub, answer } = openHeld();
    commitEach(api, 1);
    const first = api.push();
    const later = commitEach(api, 2);
    const abort = new AbortController();
    const joined = pushFailure(api.push({ signal: abort.signal }));
    abort.abort();
    await joined;
    await answer();
    await first;
    expect(stub.requests).toHaveLength(1);
    expect(api.log()).toEqual(later);
  });

  test('F18 that aborts, and a new push in the same turn: the new one delivers', async () => {
    const { api, stub } = openHeld();
    const entries = commitEach(api, 1);
    const abort = new AbortController();
    const aborted = pushFailure(api.push({ signal: abort.signal }));
    await turn();
    abort.abort();
    stub.answerWith(() => reply(200));
    expect(await api.push()).toMatchObject({ pushed: 1 });
    await aborted;
    expect(stub.uploads.at(-1)).toEqual(asUploaded(entries));
    expect(api.log()).toEqual([]);
  });

  test('F18 that aborts after its end: nothing happens to the next one', async () => {
    const { api, stub, answer } = openHeld();
    const abort = new AbortController();
    commitEach(api, 1);
    const first = api.push({ signal: abort.signal });
    await answer();
    await first;
    commitEach(api, 2);
    const second = api.push();
    await turn();
    abort.abort();
    expect(stub.requests[1]?.signal.aborted).toBe(false);
    await answer();
    expect(await second).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F18 commitAndPush with an aborted signal has committed anyway', async () => {
    const { api } = openHeld();
    api.addValue('temperature', 1);
    expectBadLuck(await pushFailure(api.commitAndPush({ signal: AbortSignal.abort() })));
    expect(api.status()).toMatchObject({ staged: 0, committed: 1 });
  });

  test.each([200, 503])('F18 a push that is answered with %i listens to its signal no longer', async (status) => {
    let listeners = 0;
    const signal: AbortSignalLike = {
      aborted: false,
      addEventListener: () => {
        listeners += 1;
      },
      removeEventListener: () => {
        listeners -= 1;
      },
    };
    const { api, answer } = openHeld();
    commitEach(api, 1);
    const push = Promise.allSettled([api.push({ signal })]);
    expect(listeners).toBe(1);
    await answer(status);
    await push;
    expect(listeners).toBe(0);
  });

  test('F18 null in place of the options is refused by one of our exceptions', async () => {
    const { api } = openHeld();
    const entries = commitEach(api, 1);
    expect(await rejectionOf(api.push(null as unknown as object))).toSatisfy(isApiException);
    expect(api.log()).toEqual(entries);
  });

  test.each([{}, 'now', 5, true])(
    'F18 %j in place of a signal is refused by name, and no request is made',
    async (signal) => {
      const { api, stub } = openHeld();
      const entries = commitEach(api, 1);
      const exception = await rejectionOf(api.push({ signal: signal as unknown as AbortSignalLike }));
      await turn();
      expect(stub.requests).toEqual([]);
      expect(api.log()).toEqual(entries);
      expect(exception).toSatisfy(isApiException);
      expect((exception as Error).message).toContain('signal');
    },
  );
});

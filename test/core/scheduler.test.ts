import { expect, test } from 'vitest';
import { FakeClock } from '../support/fake-clock.js';
import { commitEach, openApi } from '../support/open-api.js';
import { StubFetch } from '../support/stub-fetch.js';

/** Platforms' timers take a millisecond at least. */
class CoarseClock extends FakeClock {
  override setTimer(run: () => void, milliseconds: number, background?: boolean): () => void {
    return super.setTimer(run, Math.max(1, milliseconds), background);
  }
}

test('commits that keep coming do not put off the push that is due', async () => {
  const clock = new CoarseClock();
  const stub = new StubFetch();
  const api = openApi({ fetch: stub.fetch, autoPush: { atEntries: 1, everySeconds: 60 } }, { clock });
  for (let count = 0; count < 4; count++) {
    commitEach(api, count);
    await clock.advance(0.5);
  }
  expect(stub.uploads.length).toBeGreaterThan(0);
});

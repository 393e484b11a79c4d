import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commitEach } from '../support/builders/api.js';
import { received } from '../support/fakes/fake-server.js';
import { PLACES, WebPlace } from '../support/fakes/places.js';
import { runNode } from '../support/processes/node-process.js';

const SCRIPT = fileURLToPath(new URL('../support/processes/cycling-device.mjs', import.meta.url));
const SAMPLES = 20;
/** Those before are of a process that is still warming up. */
const WARM_AFTER = 4;

interface Figures {
  readonly cycles: number;
  readonly heap: number;
  readonly descriptors: number;
  readonly timers: number;
  readonly bytes: number;
  readonly files: number;
}

interface Settings {
  readonly storage: 'memory' | 'file';
  readonly cycles: number;
  /** Whether another `Api` of the storage has an entry queued that it never pushes. */
  readonly beside?: boolean;
}

/** Runs a process that commits and pushes. @returns The samples of its use of resources, once it was warm. */
async function cycle(settings: Settings): Promise<readonly Figures[]> {
  const child = runNode(SCRIPT, [JSON.stringify({ ...settings, samples: SAMPLES })]);
  onTestFinished(() => child.stop());
  const { code } = await child.ended;
  if (code !== 0) throw new Error(child.lines.join('\n'));
  const samples = child.lines.filter((line) => line.startsWith('{')).map((line): Figures => JSON.parse(line));
  expect(samples.at(-1)?.cycles).toBe(settings.cycles);
  return samples.slice(WARM_AFTER);
}

const range = (samples: readonly Figures[], of: keyof Figures): number => {
  const figures = samples.map((figures) => figures[of]);
  return Math.max(...figures) - Math.min(...figures);
};

const most = (samples: readonly Figures[], of: keyof Figures): number =>
  Math.max(...samples.map((figures) => figures[of]));

describe('F38 commit and push, again and again', { timeout: 300_000 }, () => {
  test.each<[string, Settings]>([
    ['a million times in memory', { storage: 'memory', cycles: 1_000_000 }],
    ['a million times in a file', { storage: 'file', cycles: 1_000_000 }],
    // So that the file is never empty, and must be rewritten now and then.
    ['300,000 times in a file that holds an entry of another, too', { storage: 'file', cycles: 300_000, beside: true }],
  ])('%s: heap, descriptors, timers and files are what they were before', async (_where, settings) => {
    const samples = await cycle(settings);
    // Less than three bytes a cycle: a number that was kept of each would take eight.
    expect(range(samples, 'heap')).toBeLessThan(2_000_000 * (settings.cycles / 1_000_000) + 500_000);
    // Some of them are the runtime's.
    expect(range(samples, 'descriptors')).toBeLessThanOrEqual(2);
    expect(most(samples, 'timers')).toBeLessThanOrEqual(5);
    expect(range(samples, 'timers')).toBeLessThanOrEqual(2);
    expect(most(samples, 'files')).toBeLessThanOrEqual(2);
    // As much as a journal may hold that is of no use any more before it is rewritten.
    expect(most(samples, 'bytes')).toBeLessThan(70_000);
  });

  test('20,000 times in localStorage: its keys and the timers are what they were before', async () => {
    const place = new WebPlace();
    const api = await place.reopen();
    const samples: unknown[] = [];
    for (let cycle = 1; cycle <= 20_000; cycle++) {
      commitEach(api, cycle);
      await api.push();
      // Nor does the test keep what it sent.
      place.server.requests.length = 0;
      if (cycle % 5000 !== 0) continue;
      // Long enough for whatever is put off.
      await place.clock.advance(60_000);
      samples.push({ keys: place.localStorage.length, units: place.localStorage.units, timers: place.clock.timers });
    }
    expect(new Set(samples.map((sample) => JSON.stringify(sample))).size).toBe(1);
    expect(place.localStorage.length).toBeLessThanOrEqual(3);
  });
});

test.each(PLACES)(
  'F38 a thousand runs in %s, one after the other, each of which leaves some, leave nothing at last',
  {
    timeout: 120_000,
  },
  async (_where, makePlace) => {
    const place = makePlace();
    const descriptors = countDescriptors();
    let stored = 0;
    for (let run = 1; run <= 1000; run++) {
      const api = await place.reopen({ maxEntriesPerRequest: 2 });
      place.server.answerWith(() => received(place.server.requests.length === 1 ? 200 : 503));
      commitEach(api, 1, 2);
      // Takes some of what those before left, and leaves some.
      const { committed } = api.status();
      await api.push().catch(() => {});
      stored += committed - api.status().committed;
      place.server.requests.length = 0;
      if (run % 7 !== 0) api.addValue('temperature', 3);
      await place.clock.advance(0);
      await api.close();
      expect(place.stored().size).toBeLessThan(20);
    }
    place.server.answerWith(() => received(200));
    const last = await place.reopen();
    expect(last.status().committed + stored).toBe(2000);
    await last.push();
    last.reset();
    await place.clock.advance(60_000);
    await last.close();
    expect(place.clock.timers).toBe(0);
    expect(place.stored().size).toBeLessThanOrEqual(2);
    // Some of them are the runtime's.
    expect(countDescriptors() - descriptors).toBeLessThan(10);
  },
);

/** Of this process; where the system doesn't tell, none. */
function countDescriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
}

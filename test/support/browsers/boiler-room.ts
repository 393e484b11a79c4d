import type { Page } from 'playwright-core';
import type { FieldValue } from '../../../src/index.js';
import type { DashboardField } from './dashboard.js';

/** Seconds of the story that the pictures of the dashboard show, from its start. */
const STORY = { outage: 72, back: 112, end: 120 } as const;
/** Queued readings that are delivered in a second, beside the live ones. */
const DRAINED_PER_SECOND = 3;

const { MEASURED, ENTERED } = (await import(
  new URL('../../../examples/demo/fields.mjs', import.meta.url).href
)) as Readonly<Record<'MEASURED' | 'ENTERED', readonly DashboardField[]>>;

/** The fields of the demo, on a machine without a sensor. */
export const BOILER_ROOM: readonly DashboardField[] = [
  ...MEASURED.filter(({ id }) => id !== 'temperature'),
  ...ENTERED,
];

/** @returns The values of a device at a second of the story. */
export function measure(second: number): Readonly<Record<string, number>> {
  const wave = Math.sin(second / 13) + Math.sin(second / 4.1) / 5;
  return {
    boiler: Math.round((48 + 4 * wave) * 10) / 10,
    cpu: Math.round((42 - 18 * Math.sin(second / 13 + 0.9) + 5 * Math.sin(second * 1.7)) * 10) / 10,
    memory: Math.round((57 - 5 * wave + Math.sin(second * 2)) * 10) / 10,
  };
}

/** A point of a history. */
export type Point = readonly [fieldId: string, time: number, value: FieldValue, arrivedAt: number];

/** @returns The seconds in which readings were committed and stored, with the second of their arrival. */
function arrivals(): { second: number; arrived: number }[] {
  const { outage, back, end } = STORY;
  return Array.from({ length: end }, (_, second) => {
    const isQueued = second >= outage && second < back;
    return { second, arrived: isQueued ? back + Math.floor((second - outage) / DRAINED_PER_SECOND) : second };
  }).filter(({ arrived }) => arrived < end);
}

function waitingAt(second: number): number {
  const { outage, back } = STORY;
  if (second < outage) return 0;
  return second < back ? second - outage : back - outage - DRAINED_PER_SECOND * (second - back);
}

/**
 * Answers for the demo, whose server came back some seconds before the end.
 *
 * @param end - In Unix seconds.
 * @param entered - Returns the points of the fields that are entered, in the order of their arrival.
 */
export async function routeBoilerRoom(
  page: Page,
  end: number,
  entered: () => readonly Point[] = () => [],
): Promise<void> {
  const start = end - STORY.end;
  const points = arrivals().flatMap(({ second, arrived }) =>
    Object.entries(measure(second)).map(([id, value]): Point => [id, start + second, value, start + arrived]),
  );
  await page.route('**/demo/history?after=*', (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get('after'));
    const all = [...points, ...entered()];
    return route.fulfill({ json: { cursor: all.length, points: all.slice(after) } });
  });
  const waiting = waitingAt(STORY.end);
  const committed = 18_204;
  const state = {
    committed,
    stored: committed - waiting,
    waiting,
    quarantined: 0,
    dropped: 0,
    lost: 0,
    now: end,
    lastSeen: end,
    oldestAgeSeconds: STORY.end - STORY.outage - DRAINED_PER_SECOND * (STORY.end - STORY.back),
    isPushing: true,
    refused: [],
    pid: 4711,
    runs: 1,
    isLiveFirst: true,
    samples: Array.from({ length: STORY.end }, (_, second) => [start + second, waitingAt(second)]),
  };
  await page.route('**/demo/state', (route) => route.fulfill({ json: state }));
}

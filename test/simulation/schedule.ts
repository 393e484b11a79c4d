import fc from 'fast-check';
import { type Encodings, OUTCOMES, type Outcome, type OutcomeKind } from './network.js';

/** One step of a schedule. `runIndex` picks one of the open runs. */
export type Command =
  | { readonly do: 'add'; readonly runIndex: number; readonly field: number; readonly big: boolean }
  | { readonly do: 'add several'; readonly runIndex: number; readonly fields: readonly number[] }
  | { readonly do: 'commit'; readonly runIndex: number; readonly timestamp: number | undefined }
  | { readonly do: 'commit urgent'; readonly runIndex: number; readonly field: number }
  | { readonly do: 'commit several'; readonly runIndex: number; readonly count: number; readonly big: boolean }
  | { readonly do: 'commit bad'; readonly runIndex: number; readonly field: number; readonly status: number }
  | {
      readonly do: 'push often';
      readonly runIndex: number;
      readonly times: number;
      readonly everyMilliseconds: number;
      /** Of a bad entry to begin with. */
      readonly status: number | undefined;
    }
  | {
      readonly do: 'push';
      readonly runIndex: number;
      readonly outcomes: readonly Outcome[];
      readonly abortAfter?: number;
    }
  | {
      readonly do: 'commit and push';
      readonly runIndex: number;
      readonly count: number;
      readonly outcomes: readonly Outcome[];
    }
  | { readonly do: 'push twice'; readonly runIndex: number; readonly outcomes: readonly Outcome[] }
  | { readonly do: 'get'; readonly runIndex: number; readonly outcomes: readonly Outcome[] }
  | {
      readonly do: 'reset' | 'reset unpushed' | 'close' | 'read status' | 'go online' | 'pause' | 'resume';
      readonly runIndex: number;
    }
  | { readonly do: 'drop quarantined'; readonly runIndex: number }
  | { readonly do: 'limit server'; readonly maxEntries: number; readonly cutsOff: boolean }
  /** Of the next requests, whatever sends them. */
  | { readonly do: 'next answers'; readonly outcomes: readonly Outcome[] }
  | { readonly do: 'limit encodings'; readonly encodings: Encodings }
  | { readonly do: 'restore'; readonly runIndex: number; readonly count: number }
  | { readonly do: 'set key'; readonly runIndex: number; readonly key: number }
  | { readonly do: 'start'; readonly destination: number; readonly isShared: boolean; readonly namespace: number }
  | { readonly do: 'crash'; readonly runIndex: number; readonly locksFreedAfter: number }
  | { readonly do: 'crash within'; readonly runIndex: number; readonly operations: number }
  | { readonly do: 'leave' | 'freeze' | 'hide'; readonly runIndex: number }
  | { readonly do: 'wake up'; readonly runIndex: number; readonly dies: boolean }
  | { readonly do: 'clear storage' }
  | { readonly do: 'delete files'; readonly all: boolean; readonly dice: number }
  | { readonly do: 'descriptors die'; readonly deletes: boolean }
  | { readonly do: 'power cut' }
  | { readonly do: 'power cut within'; readonly runIndex: number; readonly operations: number }
  | { readonly do: 'pass time'; readonly milliseconds: number }
  | { readonly do: 'jump clock'; readonly milliseconds: number }
  | { readonly do: 'break storage'; readonly how: StorageFault; readonly amount: number }
  | { readonly do: 'heal storage' }
  | { readonly do: 'damage'; readonly how: Damage; readonly dice: number };

export type StorageFault = WebFault | DiskFault;
export const WEB_FAULTS = ['full', 'set', 'remove'] as const;
export type WebFault = (typeof WEB_FAULTS)[number];
export const DISK_FAULTS = [
  'full',
  'short',
  'write',
  'sync',
  'sync folder',
  'truncate',
  'rename',
  'unlink',
  'open',
] as const;
export type DiskFault = (typeof DISK_FAULTS)[number];
export const DAMAGES = ['flip', 'garbage', 'newer', 'foreign'] as const;
export type Damage = (typeof DAMAGES)[number];

/** `'plain'` is a page on plain http, which has no Web Locks. */
export type Platform = 'web' | 'plain' | 'process' | 'power';

/** A schedule of the simulated world. Its seed determines every other random draw. */
/** Whether uploads name their entries: a policy by the seed, so that it is combined with everything that is drawn. */
export const namesEntries = ({ seed }: Pick<Schedule, 'seed'>): boolean => seed % 2 === 0;

export interface Schedule {
  readonly platform: Platform;
  readonly seed: number;
  readonly maxEntriesPerRequest: number;
  readonly onRefusedCredentials: 'discard' | 'keep';
  /** Unbounded if absent. */
  readonly maxQueuedEntries: number | undefined;
  /** Unbounded if absent. */
  readonly maxQueuedBytes: number | undefined;
  readonly overflow: 'refuse' | 'drop-oldest' | 'thin';
  readonly order: 'oldest-first' | 'live-first';
  readonly liveSeconds: number;
  /** In seconds; unbounded if absent. */
  readonly maxAge: number | undefined;
  /** Of all fields; none if absent. */
  readonly deadband: { readonly by: number; readonly atLeastEverySeconds?: number } | undefined;
  readonly isCompressed: boolean;
  /** Whether the server takes compressed bodies at first. */
  readonly encodings: Encodings;
  readonly autoPush: { readonly everySeconds: number; readonly atEntries: number } | false;
  readonly flushOnHide: boolean;
  /** Of `webStorage`; its default if absent. */
  readonly maxLength: number | undefined;
  /** Whether all values are large, so that journals are rewritten early. */
  readonly isBig: boolean;
  readonly commands: readonly Command[];
}

const runIndex = fc.nat({ max: 5 });
const outcome: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom<OutcomeKind>('stored 200', 'stored, answer lost', 'never arrived', '401') },
    { weight: 3, arbitrary: fc.constantFrom(...(Object.keys(OUTCOMES) as OutcomeKind[])) },
  ),
  after: fc.constantFrom(0, 0, 30, 500, 4000, 11_000),
});
const outcomes = fc.array(outcome, { maxLength: 4, size: 'max' });
const seldom = (oneIn: number): fc.Arbitrary<boolean> => fc.nat({ max: oneIn - 1 }).map((drawn) => drawn === 1);

type Weighted = { weight: number; arbitrary: fc.Arbitrary<Command> };
const of = <Name extends Command['do']>(
  weight: number,
  name: Name,
  fields: { [Key in Exclude<keyof Extract<Command, { do: Name }>, 'do'>]: fc.Arbitrary<unknown> },
): Weighted => ({ weight, arbitrary: fc.record({ do: fc.constant(name), ...fields }) as fc.Arbitrary<Command> });

const everywhere: Weighted[] = [
  of(8, 'add', { runIndex, field: fc.nat({ max: 4 }), big: seldom(6) }),
  of(2, 'add several', { runIndex, fields: fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 1, maxLength: 4 }) }),
  of(8, 'commit', { runIndex, timestamp: fc.option(fc.nat({ max: 2_000_000_000 }), { nil: undefined, freq: 6 }) }),
  of(8, 'commit several', { runIndex, count: fc.integer({ min: 1, max: 5 }), big: seldom(6) }),
  of(3, 'commit urgent', { runIndex, field: fc.nat({ max: 4 }) }),
  of(6, 'push', {
    runIndex,
    outcomes,
    abortAfter: fc.option(fc.constantFrom(0, 20, 5000), { nil: undefined, freq: 5 }),
  }),
  of(8, 'commit and push', { runIndex, count: fc.integer({ min: 1, max: 4 }), outcomes }),
  of(2, 'push twice', { runIndex, outcomes }),
  of(4, 'commit bad', {
    runIndex,
    field: fc.nat({ max: 4 }),
    status: fc.constantFrom(400, 400, 422, 413, 503, 503, 403, 404, 0),
  }),
  of(2, 'limit server', { maxEntries: fc.constantFrom(1, 2, 4, 1000), cutsOff: fc.boolean() }),
  of(2, 'push often', {
    runIndex,
    times: fc.integer({ min: 3, max: 14 }),
    everyMilliseconds: fc.constantFrom(1000, 20_000, 61_000, 61_000),
    status: fc.constantFrom(undefined, 503, 404, 0),
  }),
  of(1, 'go online', { runIndex }),
  of(1, 'pause', { runIndex }),
  of(2, 'resume', { runIndex }),
  of(2, 'next answers', { outcomes }),
  of(2, 'limit encodings', { encodings: fc.constantFrom<Encodings>('gzip', '415', '400') }),
  of(1, 'drop quarantined', { runIndex }),
  of(1, 'get', { runIndex, outcomes }),
  of(1, 'reset', { runIndex }),
  of(1, 'reset unpushed', { runIndex }),
  of(2, 'close', { runIndex }),
  of(1, 'read status', { runIndex }),
  of(3, 'restore', { runIndex, count: fc.integer({ min: 1, max: 4 }) }),
  of(1, 'set key', { runIndex, key: fc.nat({ max: 2 }) }),
  of(8, 'start', {
    destination: fc.constantFrom(0, 0, 0, 0, 1, 2),
    isShared: seldom(4),
    namespace: fc.constantFrom(0, 0, 0, 1, 2),
  }),
  of(4, 'crash', { runIndex, locksFreedAfter: fc.constantFrom(0, 0, 40, 1500) }),
  of(4, 'crash within', { runIndex, operations: fc.nat({ max: 20 }) }),
  of(10, 'pass time', { milliseconds: fc.constantFrom(1, 50, 1000, 4000, 12_000, 31_000, 65_000, 200_000) }),
  of(2, 'jump clock', { milliseconds: fc.constantFrom(-1_795_349_000_000, -3_600_000, -3000, 3000, 28_800_000) }),
  of(4, 'heal storage', {}),
];

const frozen: Weighted[] = [
  of(3, 'freeze', { runIndex }),
  of(4, 'wake up', { runIndex, dies: seldom(6) }),
  of(2, 'pass time', { milliseconds: fc.constantFrom(130_000, 190_000, 250_000, 400_000) }),
];
const web: Weighted[] = [
  ...everywhere,
  ...frozen,
  of(2, 'leave', { runIndex }),
  of(2, 'clear storage', {}),
  of(4, 'break storage', { how: fc.constantFrom<WebFault>('full', ...WEB_FAULTS), amount: fc.nat({ max: 300 }) }),
  of(2, 'damage', { how: fc.constantFrom(...DAMAGES), dice: fc.nat() }),
];
const plain: Weighted[] = [...web, of(3, 'hide', { runIndex }), of(3, 'freeze', { runIndex })];
const onDisk: Weighted[] = [
  ...everywhere,
  ...frozen,
  of(1, 'descriptors die', { deletes: fc.boolean() }),
  of(2, 'delete files', { all: fc.boolean(), dice: fc.nat() }),
  of(6, 'break storage', {
    how: fc.constantFrom<DiskFault>('full', 'full', 'sync', ...DISK_FAULTS),
    amount: fc.nat({ max: 300 }),
  }),
  of(3, 'damage', { how: fc.constantFrom<Damage>('flip', ...DAMAGES), dice: fc.nat() }),
  of(2, 'power cut', {}),
  of(2, 'power cut within', { runIndex, operations: fc.nat({ max: 20 }) }),
];

const maxLength = fc.constantFrom(undefined, undefined, undefined, undefined, 900, 2500, 30_000);

const scheduleOn = (platforms: readonly Platform[], commands: Weighted[]): fc.Arbitrary<Schedule> =>
  fc.record({
    platform: fc.constantFrom(...platforms),
    seed: fc.noShrink(fc.nat()),
    maxEntriesPerRequest: fc.constantFrom(1000, 3, 1),
    onRefusedCredentials: fc.constantFrom('discard', 'discard', 'discard', 'keep'),
    maxQueuedEntries: fc.constantFrom(undefined, undefined, undefined, 2, 5, 9),
    maxQueuedBytes: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 120, 300, 2000),
    overflow: fc.constantFrom('refuse', 'drop-oldest', 'thin'),
    order: fc.constantFrom('oldest-first', 'live-first'),
    liveSeconds: fc.constantFrom(60, 5),
    maxAge: fc.constantFrom(undefined, undefined, undefined, 100, 3600),
    deadband: fc.constantFrom<Schedule['deadband']>(
      ...Array<undefined>(6).fill(undefined),
      { by: 0 },
      { by: 3 },
      { by: 12, atLeastEverySeconds: 100 },
    ),
    isCompressed: fc.boolean(),
    encodings: fc.constantFrom<Encodings>('gzip', '415', '400'),
    autoPush: fc.constantFrom<Schedule['autoPush']>(
      false,
      false,
      { everySeconds: 10, atEntries: 3 },
      { everySeconds: 0, atEntries: 100 },
    ),
    flushOnHide: fc.boolean(),
    maxLength: platforms.includes('power') ? fc.constant(undefined) : maxLength,
    isBig: seldom(10),
    commands: fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 72, size: 'max' }),
  });

export const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  { weight: 1, arbitrary: scheduleOn(['web'], web) },
  { weight: 1, arbitrary: scheduleOn(['plain'], plain) },
  { weight: 2, arbitrary: scheduleOn(['power', 'power', 'process'], onDisk) },
);

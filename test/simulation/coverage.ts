import { OUTCOMES } from './network.js';
import { DAMAGES, DISK_FAULTS, type Schedule, WEB_FAULTS } from './schedule.js';
import type { World } from './world.js';

/** The commands, outcomes and faults that schedules must reach. */
const REQUIRED: readonly string[] = [
  ...[
    'add',
    'add several',
    'commit',
    'commit several',
    'push',
    'commit and push',
    'push twice',
    'push often',
    'limit server',
    'limit server by cut-offs',
    'get',
    'reset',
    'reset unpushed',
    'read status',
  ],
  ...['restore', 'set key', 'close', 'start', 'start in the same process', 'start in a container', 'crash'],
  ...['start without /proc', 'descriptors die'],
  ...['leave', 'freeze', 'hide', 'wake up', 'clear storage', 'delete files'],
  ...['a frozen run was fenced', 'fenced', 'saved again', 'evict', 'overwritten in place'],
  ...['crash within', 'power cut', 'power cut within', 'pass time', 'jump clock', 'heal storage'],
  ...['ended within an operation', 'push stores all', 'restore something', 'a commit or restore failed', 'discard'],
  ...[400, 422, 413, 503, 403, 404, 'cut-off'].map((status) => `bad entry: ${status}`),
  ...['quarantine', 'quarantine by strikes', 'stored once, by its name'],
  ...['commit urgent', 'lane: urgent', 'lane: live', 'lane: backlog', 'expire', 'thin'],
  ...[
    'next answers',
    'pause',
    'resume',
    'pushed by hand while paused',
    'left out by a dead band',
    'changed beyond a dead band',
  ],
  ...['limit encodings', 'gzip', '415', '400'].map((name) => (name.startsWith('l') ? name : `answer: ${name} to gzip`)),
  ...['repeated plainly', 'stays plain'],
  ...['adopted entries', 'staged values came back', 'journal rewritten', 'unreadable records moved'],
  ...Object.keys(OUTCOMES).map((outcome) => `answer: ${outcome}`),
  ...[...new Set([...DISK_FAULTS, ...WEB_FAULTS])].map((fault) => `storage fails: ${fault}`),
  ...DAMAGES.map((how) => `damage: ${how}`),
];

/** Counts the schedules that reached each command, outcome and fault: a fault that never happens proves nothing. */
export class Coverage {
  readonly #schedules = new Map<string, number>();
  readonly #times = new Map<string, number>();
  readonly #lengths: number[] = [];

  add({ commands }: Schedule, { coverage }: World): void {
    this.#lengths.push(commands.length);
    for (const [name, times] of coverage) {
      this.#schedules.set(name, (this.#schedules.get(name) ?? 0) + 1);
      this.#times.set(name, (this.#times.get(name) ?? 0) + times);
    }
  }

  /** The median number of commands of a schedule. */
  get medianLength(): number {
    return [...this.#lengths].sort((one, other) => one - other)[this.#lengths.length >> 1] ?? 0;
  }

  /** The required names that fewer than 1 % of the schedules reached. */
  get rare(): string[] {
    return REQUIRED.filter((name) => this.#share(name) < 1);
  }

  /** A line for each name: the share of schedules that reached it, and its occurrences in all. */
  get table(): string {
    const names = [...new Set([...REQUIRED, ...this.#schedules.keys()])];
    return names
      .map(
        (name) =>
          `${this.#share(name).toFixed(1).padStart(6)} %  ${String(this.#times.get(name) ?? 0).padStart(8)}  ${name}`,
      )
      .join('\n');
  }

  #share(name: string): number {
    return (100 * (this.#schedules.get(name) ?? 0)) / Math.max(1, this.#lengths.length);
  }
}

import { FATES } from './network.js';
import { DAMAGES, DISK_FAULTS, type Schedule, WEB_FAULTS } from './schedule.js';
import type { World } from './world.js';

/** What must be met, by the names that worlds count it under. */
const EXPECTED: readonly string[] = [
  ...[
    'add',
    'add several',
    'commit',
    'commit several',
    'push',
    'commit and push',
    'push twice',
    'get',
    'reset',
    'reset unpushed',
    'look',
  ],
  ...['restore', 'set key', 'close', 'start', 'start in the same process', 'start in a container', 'crash'],
  ...['leave', 'freeze', 'hide', 'wake up', 'clear storage', 'delete files'],
  ...['a sleeper was robbed', 'was robbed', 'saved again', 'drop', 'overwritten in place'],
  ...['crash within', 'power cut', 'power cut within', 'pass time', 'jump clock', 'heal storage'],
  ...['ended within an operation', 'push stores all', 'restore something', 'a commit or restore failed', 'discard'],
  ...['adopted entries', 'staged values came back', 'journal rewritten', 'unreadable set aside'],
  ...Object.keys(FATES).map((fate) => `answer: ${fate}`),
  ...[...new Set([...DISK_FAULTS, ...WEB_FAULTS])].map((fault) => `storage fails: ${fault}`),
  ...DAMAGES.map((how) => `damage: ${how}`),
];

/** Counts what schedules met: a fault that never happens proves nothing. */
export class Census {
  readonly #schedules = new Map<string, number>();
  readonly #times = new Map<string, number>();
  readonly #lengths: number[] = [];

  add({ commands }: Schedule, { census }: World): void {
    this.#lengths.push(commands.length);
    for (const [name, times] of census) {
      this.#schedules.set(name, (this.#schedules.get(name) ?? 0) + 1);
      this.#times.set(name, (this.#times.get(name) ?? 0) + times);
    }
  }

  /** How many commands a schedule has. */
  get medianLength(): number {
    return [...this.#lengths].sort((one, other) => one - other)[this.#lengths.length >> 1] ?? 0;
  }

  /** What less than one schedule in a hundred met. */
  get rare(): string[] {
    return EXPECTED.filter((name) => this.#share(name) < 1);
  }

  /** A line for each, with the share of schedules that met it and how often in all. */
  get table(): string {
    const names = [...new Set([...EXPECTED, ...this.#schedules.keys()])];
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

import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ApiOptions } from '../../../src/index.js';
import type { DeliveryLog } from '../servers/delivery-log.js';
import { runNode } from './node-process.js';
import { IN_CONTAINER } from './pid-namespace.js';

const SCRIPT = fileURLToPath(new URL('committing-device.mjs', import.meta.url));

/** The phases in which a device can be killed. */
export const PHASES = ['committing', 'compacting', 'adopting', 'pushing'] as const;
export type Phase = (typeof PHASES)[number];

export interface DeviceSettings {
  readonly folder: string;
  readonly options: ApiOptions;
  readonly durability: 'power' | 'process';
  /** The phase in which it waits, so that a kill lands within. */
  readonly slow?: Phase | undefined;
  /** The speed of its clock. */
  readonly speed?: number;
  /** Whether it has a pid namespace of its own, as a container has. */
  readonly isContained?: boolean;
}

/** A process that commits and pushes until it is killed. */
export interface Device {
  readonly name: string;
  /** Resolves once it has begun a phase for the `times`th time. Rejects if it ends before. */
  begins(phase: Phase, times?: number): Promise<void>;
  /** Resolves once it has waited in the phase that is slow, for the `times`th time. Rejects if it ends before. */
  waits(times: number): Promise<void>;
  /** Resolves once it has looked for orphans `times` times from now. Rejects if it ends before. */
  looks(times: number): Promise<void>;
  /** Resolves once it has adopted the orphans. Rejects if it ends before. */
  readonly ready: Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** @returns The innermost phase that it last reported; `undefined` between phases. */
  kill(): Promise<Phase | undefined>;
}

let devices = 0;

export function startDevice(deliveries: DeliveryLog, settings: DeviceSettings): Device {
  const name = `device${++devices}`;
  const within = settings.isContained ? IN_CONTAINER : [];
  const child = runNode(SCRIPT, [JSON.stringify({ speed: 1, ...settings, name })], {}, within);
  const phases: Phase[] = [];
  const begun = new Map<string, number>();
  const waiting = new Set<{ isMet(): boolean; resolve(): void; reject(error: Error): void }>();
  let isReady = false;
  let looks = 0;
  let waits = 0;
  let isKilled = false;

  child.hear((line) => {
    const [what, ...rest] = line.split(' ');
    const phase = rest.join(' ') as Phase;
    if (what === 'begin') {
      phases.push(phase);
      begun.set(phase, (begun.get(phase) ?? 0) + 1);
    } else if (what === 'end') phases.splice(phases.lastIndexOf(phase), 1);
    else if (what === 'committed') deliveries.acknowledge(phase);
    else if (what === 'ready') isReady = true;
    else if (what === 'looked') looks += 1;
    else if (what === 'waits') waits += 1;
    for (const one of waiting) {
      if (!one.isMet()) continue;
      waiting.delete(one);
      one.resolve();
    }
  });
  const until = (isMet: () => boolean): Promise<void> => {
    const met = new Promise<void>((resolve, reject) => waiting.add({ isMet, resolve, reject }));
    // Not every caller awaits it.
    met.catch(() => {});
    return met;
  };
  void child.ended.then(({ code, signal }) => {
    const output = child.lines.slice(-20).join('\n');
    for (const one of waiting) one.reject(new Error(`${name} ended (${code ?? signal}) after:\n${output}`));
  });
  const kill = async (): Promise<Phase | undefined> => {
    if (!isKilled) deliveries.willKill(name);
    isKilled = true;
    child.kill('SIGKILL');
    // Its output ends a moment before the process, which is alive for other processes until then.
    await child.ended;
    return phases.at(-1);
  };
  onTestFinished(async () => void (await kill()));
  return {
    name,
    begins: (phase, times = 1) => until(() => (begun.get(phase) ?? 0) >= times),
    waits: (times) => until(() => waits >= times),
    looks(times) {
      const enough = looks + times;
      return until(() => looks >= enough);
    },
    ready: until(() => isReady),
    signal: (signal) => child.kill(signal),
    kill,
  };
}

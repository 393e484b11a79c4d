import { show } from '../../core/model/input.js';
import type { Fault } from '../../emulator.js';
import { usage } from '../exit.js';

/** A fault of a share of the requests. */
export interface LikelyFault {
  readonly fault: Fault;
  /** From 0 to 1. */
  readonly share: number;
}

const WORDS: Readonly<Record<string, Fault>> = { timeout: { hang: true }, cut: { cut: true } };

/** `503@10%`, `503`, `timeout@5%`, `cut@1%`. @throws A usage exception. */
export function parseFault(text: string): LikelyFault {
  const [, what = '', percent = '100'] = /^(\d{3}|[a-z]+)(?:@(\d+(?:\.\d+)?)%)?$/.exec(text) ?? [];
  const status = Number(what);
  const fault = WORDS[what] ?? (status >= 200 && status <= 599 ? { status } : undefined);
  const share = Number(percent) / 100;
  if (fault !== undefined && share <= 1) return { fault, share };
  throw usage(`--fault must be like 503@10%, timeout@5% or cut@5%, got ${show(text)}`);
}

/** Draws the fault of a request, if any. One draw for all of them: each gets its share of all requests, while there are any left. */
export function drawFault(faults: readonly LikelyFault[], random = Math.random): Fault | undefined {
  const drawn = random();
  let end = 0;
  return faults.find(({ share }) => {
    end += share;
    return drawn < end;
  })?.fault;
}

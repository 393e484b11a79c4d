import { inspect } from 'node:util';
import { afterEach, beforeEach, vi } from 'vitest';

/** An API key that differs from all other data. */
export const SENTINEL_KEY = 'feedface-beef-4bad-8abc-c0ffee15900d';

/** How many characters of a secret in a row count as a leak. */
const MIN_LEAK = 12;

/** The lines of a text that contain a part of a secret, in whatever case: none where the text may be shown. */
export function leaksIn(text: string, secret = SENTINEL_KEY): string[] {
  const lower = secret.toLowerCase();
  const parts = Array.from({ length: lower.length - MIN_LEAK + 1 }, (_, at) => lower.slice(at, at + MIN_LEAK));
  const lines = new Set(text.split('\n').map((line) => line.trim()));
  return [...lines].filter((line) => parts.some((part) => line.toLowerCase().includes(part)));
}

/** Everything that a log, a debugger or a crash report could show of something. */
export function renderings(subject: unknown): string {
  const options = { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null, maxStringLength: null };
  const texts = [inspect(subject, options), inspect(subject, { ...options, getters: true }), asJson(subject)];
  for (let error = subject; error instanceof Error; error = error.cause) {
    texts.push(error.name, error.message, String(error), error.stack ?? '', asJson(error));
    for (const property of Reflect.ownKeys(error))
      texts.push(String(property), inspect(Reflect.get(error, property), options));
  }
  return texts.join('\n');
}

function asJson(subject: unknown): string {
  return JSON.stringify(subject) ?? '';
}

/** Records, in each test of the file, everything written to the console or the standard streams. */
export function captureOutput(): readonly string[] {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    const keep = (...args: unknown[]): void => void written.push(...args.map((arg) => renderings(arg)));
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      vi.spyOn(console, method).mockImplementation(keep);
    }
    vi.spyOn(process.stdout, 'write').mockImplementation((piece) => written.push(String(piece)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation((piece) => written.push(String(piece)) > 0);
    vi.spyOn(process, 'emitWarning').mockImplementation(keep);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return written;
}

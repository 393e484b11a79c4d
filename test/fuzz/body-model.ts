import type { Reading } from '../../src/index.js';

/** An answer as it reaches the `Api`. */
export interface Answered {
  readonly status: number;
  readonly text: string;
  /** Whether the body breaks off. */
  readonly isCut: boolean;
}

export type ModelVerdict = 'stored' | 'credentials refused' | 'refused' | 'bad luck';

/** The meaning of an answer, only by the words of the protocol: this shares no code with the tested modules. */
export function verdictOf({ status, text, isCut }: Answered): ModelVerdict {
  if (isCut) return 'bad luck';
  if (status === 413) return 'refused';
  if (isHtml(text) || [407, 408, 425, 429].includes(status)) return 'bad luck';
  if ([200, 201, 202, 204].includes(status)) return 'stored';
  if (status === 401 || status === 403) return 'credentials refused';
  return status >= 400 && status < 500 ? 'refused' : 'bad luck';
}

/** Also in UTF-16, whose byte order mark no UTF-8 has, and which has a NUL beside each character. */
function isHtml(text: string): boolean {
  const [opening, next = '', afterNext = ''] = [...text].slice([...text].findIndex((character) => !isBlank(character)));
  return opening === '<' && /[a-zA-Z!?]/.test(next === '\0' ? afterNext : next);
}

const isBlank = (character: string): boolean => character.trim() === '' || '\0\ufffd'.includes(character);

/** The server's own words; empty where there are none. */
export function messageIn(text: string): string {
  const parsed = parse(text);
  return isRecord(parsed) && typeof parsed['message'] === 'string' ? parsed['message'] : '';
}

/**
 * The last values of the fields that were asked for.
 *
 * @param now - The local clock, in Unix seconds.
 * @returns `undefined` if the body is not as the protocol has it.
 */
export function readingsOf(text: string, asked: readonly string[], now: number): Reading[] | undefined {
  const parsed = parse(text);
  const data = isRecord(parsed) ? parsed['data'] : undefined;
  if (!isRecord(data) || !isTime(data['servertime']) || !Array.isArray(data['values'])) return undefined;
  const shift = Math.round(now - Number(data['servertime']));
  const known = new Map<string, Reading>();
  for (const item of data['values'] as unknown[]) {
    if (!isRecord(item)) return undefined;
    for (const [fieldId, reading] of Object.entries(item)) {
      if (!isRecord(reading)) return undefined;
      const { value, timestamp } = reading;
      if (timestamp !== null && !(isNumber(timestamp) && isWithinBounds(timestamp))) return undefined;
      if (!isNumber(value) && value !== null && typeof value !== 'string' && typeof value !== 'boolean')
        return undefined;
      known.set(fieldId, { fieldId, value, timestamp: timestamp === null ? null : timestamp + shift });
    }
  }
  return asked.flatMap((fieldId) => known.get(fieldId) ?? []);
}

const isNumber = (input: unknown): input is number => Number.isFinite(input);

function isTime(input: unknown): boolean {
  const isNumeric = typeof input === 'number' || (typeof input === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(input));
  return isNumeric && isWithinBounds(Number(input));
}

/** Later times than this are times in milliseconds. */
const isWithinBounds = (seconds: number): boolean => seconds >= 0 && seconds < 100_000_000_000;

function isRecord(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

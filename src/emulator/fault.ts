import * as v from 'valibot';
import { isObject } from '../core/model/input.js';
import { ownObject } from '../core/model/schema.js';

/** One request's misfortune. */
export type Fault = StatusFault | DelayFault | HangFault | CutFault;

/** The request is answered so, and nothing is stored. */
export interface StatusFault {
  /** From 200 to 599. 204, 205 and 304 can have neither message nor body. */
  readonly status: number;
  /** Makes the body `{"message":"…"}`. Not together with `body`. */
  readonly message?: string | undefined;
  /** The body as it is, such as a captive portal's page; its type is for `headers` to say. */
  readonly body?: string | undefined;
  /** Take the place of the emulator's own where they have the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The request is handled after so long. */
export interface DelayFault {
  /** Seconds, from 0 to 86,400. */
  readonly delay: number;
}

/** The request is never answered, and nothing is stored. */
export interface HangFault {
  /** What makes it one. */
  readonly hang: true;
}

/** The request is handled (an upload is stored), but the answer's body breaks off in the middle. */
export interface CutFault {
  /** What makes it one. */
  readonly cut: true;
}

const EXPECTED =
  '{ status: 200–599, message or body?, headers? }, { delay: seconds, 0–86400 }, { hang: true } or { cut: true }';

/** The Response constructor refuses a body with these. */
const WITHOUT_BODY = new Set([204, 205, 304]);

const Fault = v.union([
  v.pipe(
    ownObject({
      status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
      message: v.optional(v.string()),
      body: v.optional(v.string()),
      headers: v.optional(v.custom<Readonly<Record<string, string>>>(areHeaders)),
    }),
    v.check(({ message, body }) => message === undefined || body === undefined),
    v.check(({ status, message, body }) => !WITHOUT_BODY.has(status) || (message ?? body) === undefined),
    // A copy: what the caller does to its own afterwards changes nothing.
    v.transform((fault) => ({ ...fault, headers: { ...fault.headers } })),
  ),
  ownObject({ delay: v.pipe(v.number(), v.minValue(0), v.maxValue(86_400)) }),
  ownObject({ hang: v.literal(true) }),
  ownObject({ cut: v.literal(true) }),
]);

/** @throws TypeError that shows what came, unless `input` is a fault. */
export function checkFault(input: unknown): Fault {
  const result = v.safeParse(Fault, input);
  if (result.success) return result.output;
  throw new TypeError(`a fault must be ${EXPECTED}, got ${asJson(input)}`);
}

function areHeaders(input: unknown): boolean {
  if (!isObject(input)) return false;
  return Object.entries(input).every(
    ([name, value]) => HEADER_NAME.test(name) && typeof value === 'string' && HEADER_VALUE.test(value),
  );
}

/** Of RFC 9110, 5.1 and 5.5, as the platform's `Headers` takes them, which jsdom lacks. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[^\0\r\n\u0100-\uffff]*$/;

function asJson(input: unknown): string {
  try {
    const text = JSON.stringify(input, showNumber);
    return text === undefined ? String(input) : text.slice(0, 200);
  } catch {
    return `a ${typeof input}`;
  }
}

/** JSON has no NaN and no Infinity. */
function showNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

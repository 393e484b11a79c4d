import * as v from 'valibot';
import { isObject } from '../core/model/input.js';
import { ownObject } from '../core/model/schema.js';

/** A fault of one request. */
export type Fault = StatusFault | DelayFault | HangFault | CutFault;

/** The request is answered with a given response, and nothing is stored. */
export interface StatusFault {
  /** The HTTP status, from 200 to 599. 204, 205 and 304 can have neither message nor body. */
  readonly status: number;
  /** The message in the body `{"message":"…"}`. Excludes `body`. Default: none. */
  readonly message?: string | undefined;
  /** The body, such as a page of a captive portal; set its type in `headers`. Default: none. */
  readonly body?: string | undefined;
  /** Header values by name, which override the headers of the emulator. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The request is handled after a delay. */
export interface DelayFault {
  /** The delay in seconds, from 0 to 86,400. */
  readonly delay: number;
}

/** The request is never answered, and nothing is stored. */
export interface HangFault {
  /** Marks the fault as a hang. */
  readonly hang: true;
}

/** The request is handled (an upload is stored), but the body of the response breaks off in the middle. */
export interface CutFault {
  /** Marks the fault as a cut. */
  readonly cut: true;
}

const EXPECTED =
  '{ status: 200–599, message or body?, headers? }, { delay: seconds, 0–86400 }, { hang: true } or { cut: true }';

/** The constructor of `Response` refuses a body with these statuses. */
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
    // A copy, so that later changes by the caller have no effect.
    v.transform((fault) => ({ ...fault, headers: { ...fault.headers } })),
  ),
  ownObject({ delay: v.pipe(v.number(), v.minValue(0), v.maxValue(86_400)) }),
  ownObject({ hang: v.literal(true) }),
  ownObject({ cut: v.literal(true) }),
]);

/** @throws TypeError showing `input`, unless it is a fault. */
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

/** The syntax of RFC 9110, 5.1 and 5.5, as `Headers` accepts it, which jsdom lacks. */
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

/** JSON can't represent NaN and Infinity. */
function showNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

import type { Field, FieldRegistry } from '../model/field-registry.js';
import { foreignText } from '../model/foreign-text.js';
import { show } from '../model/input.js';
import type { Reading } from '../model/reading.js';
import { GetException } from '../model/request-exceptions.js';
import { valueRefused, type Warnings } from '../notify/warnings.js';
import type { AbortSignalLike } from '../ports/web-types.js';
import { requestUntilAborted, type ServerClient } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import { readValues, type WireError, type WireReading } from '../server/wire.js';
import type { Clock } from '../time/clock.js';

/** The last value of a field, with its time by the server's clock. */
interface LastValue extends WireReading {
  /** The seconds by which the local clock is ahead of the server's clock. */
  readonly clockOffset: number;
}

/** The last values of the fields that the server knows, or the verdict on the request that failed. */
export type ReadResult = { readonly known: LastValues } | { readonly failure: Verdict };

/** By field id. */
export type LastValues = ReadonlyMap<string, LastValue>;

/** This many 404 responses without a success mean a wrong server. Enough to read each of 64 fields separately. */
const MAX_UNKNOWN = 128;

/** The parts of a client that a reader uses. */
export interface ReaderParts {
  readonly server: ServerClient;
  readonly clock: Clock;
  /** Ends all requests. */
  readonly closing: AbortSignalLike;
  readonly fields: FieldRegistry;
  readonly warnings: Warnings;
}

/** Reads the last values of fields. */
export class Reader {
  readonly #server: ServerClient;
  readonly #clock: Clock;
  readonly #closing: AbortSignalLike;
  readonly #fields: FieldRegistry;
  readonly #warnings: Warnings;

  constructor({ server, clock, closing, fields, warnings }: ReaderParts) {
    this.#server = server;
    this.#clock = clock;
    this.#closing = closing;
    this.#fields = fields;
    this.#warnings = warnings;
  }

  /**
   * @returns The readings in the order of `names`; a field that the server does not know is absent.
   * @throws {@link ValueException} if a field is unknown or unreadable. {@link GetException} if the request failed.
   */
  async get(names: readonly string[], signal?: AbortSignalLike): Promise<Reading[]> {
    const fields = this.#fields.findReadable(names);
    const result = await this.read(fields.map(fieldIdOf), signal);
    if ('failure' in result) throw getException(result.failure);
    return this.readings(fields, result.known);
  }

  /**
   * Reads fields with as many requests as needed, one after another.
   *
   * A server may answer 404 if it knows only some of the fields; then halving the lists finds the known fields. If it answers
   * 404 to all requests, it may be the wrong server, and the result is a failure.
   *
   * @throws {@link GetException} if the signal aborts, or the client closes.
   */
  async read(fieldIds: readonly string[], signal?: AbortSignalLike): Promise<ReadResult> {
    const known = new Map<string, LastValue>();
    const distinct = [...new Set(fieldIds)];
    const lists = chunkIds(distinct, this.#server.maxIdsLength).reverse();
    let attemptsLeft = Math.min(2 * distinct.length, MAX_UNKNOWN);
    let failure: Verdict | undefined;
    for (let ids = lists.pop(); ids !== undefined; ids = lists.pop()) {
      const verdict = await this.#readList(ids, known, signal);
      if (verdict.kind === 'stored') {
        attemptsLeft = Number.POSITIVE_INFINITY;
        continue;
      }
      failure = verdict;
      const isUnknown = verdict.status === 404;
      const half = Math.ceil(ids.length / 2);
      if (ids.length > 1 && (isUnknown || verdict.status === 414)) lists.push(ids.slice(half), ids.slice(0, half));
      else if (!isUnknown) return { failure };
      attemptsLeft -= 1;
      if (attemptsLeft < 1) break;
    }
    return failure !== undefined && attemptsLeft < Number.POSITIVE_INFINITY ? { failure } : { known };
  }

  /** @returns The readings in the order of `fields`, with times converted to the local clock. */
  readings(fields: readonly Field[], known: LastValues): Reading[] {
    return fields.flatMap((field) => {
      const { fieldId, name } = field;
      const last = known.get(fieldId);
      if (last === undefined) return [];
      if (!this.#fields.accepts(field, last.value)) {
        this.#warnings.add(valueRefused(show(name)));
        return [];
      }
      const { value, timestamp, clockOffset } = last;
      const localTime = timestamp === null ? null : timestamp + clockOffset;
      return { fieldId, ...(name !== undefined && { field: name }), value, timestamp: localTime };
    });
  }

  /** Adds the values of one request to `known`. @returns The verdict; `transient` if the body is invalid. */
  async #readList(
    ids: readonly string[],
    known: Map<string, LastValue>,
    signal: AbortSignalLike | undefined,
  ): Promise<Verdict> {
    const signals = { closing: this.#closing, signal };
    const { verdict, body } = await requestUntilAborted(() => this.#server.getValues(ids), signals);
    if (verdict.kind !== 'stored') return verdict;
    const values = tryToRead(body);
    if ('fault' in values) {
      return {
        ...verdict,
        kind: 'transient',
        message: `Bad luck: the server's answer is invalid: ${foreignText(values.fault, (text) => this.#server.redact(text))}.`,
        advice: 'Something other than the NikDev IoT server may have answered: check baseUrl. Nothing was changed.',
      };
    }
    // The protocol prescribes timestamp + round(localNow - servertime).
    const clockOffset = Math.round(this.#clock.now() / 1000 - values.servertime);
    for (const reading of values.readings) known.set(reading.fieldId, { ...reading, clockOffset });
    return verdict;
  }
}

function tryToRead(body: string): ReturnType<typeof readValues> | { readonly fault: string } {
  try {
    return readValues(body);
  } catch (error) {
    return { fault: (error as WireError).message };
  }
}

export function getException(verdict: Verdict): GetException {
  return new GetException(verdict.message, verdict.advice, verdict);
}

export const fieldIdOf = ({ fieldId }: Field): string => fieldId;

/**
 * Splits field ids into as few lists as fit into URLs, in their order.
 *
 * @param maxLength - The maximum length of the ids in a URL, percent-encoded and joined by commas. A longer id gets a list of
 * its own.
 */
export function chunkIds(fieldIds: readonly string[], maxLength: number): string[][] {
  const lists: string[][] = [];
  let left = -1;
  for (const fieldId of fieldIds) {
    const { length } = encodeURIComponent(fieldId);
    left -= length + ','.length;
    if (left < 0) {
      lists.push([]);
      left = maxLength - length;
    }
    lists.at(-1)?.push(fieldId);
  }
  return lists;
}

import type { Field, FieldRegistry } from '../model/field-registry.js';
import { foreignText } from '../model/foreign-text.js';
import { show } from '../model/input.js';
import type { Reading } from '../model/reading.js';
import { GetException } from '../model/request-exceptions.js';
import { valueRefused, type Warnings } from '../notify/warnings.js';
import type { Signal } from '../ports/web-types.js';
import type { Questions } from '../server/questions.js';
import type { ServerClient } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import { readValues, type WireError, type WireReading } from '../server/wire.js';
import type { Clock } from '../time/clock.js';

/** A field's last value by the server's clock, and how many seconds that is behind the local one. */
interface Sighting extends WireReading {
  readonly shift: number;
}

/** The last values of fields that the server knows, by field id; or why they could not be read. */
export type ReadResult = { readonly known: Sightings } | { readonly failure: Verdict };

/** By field id. */
export type Sightings = ReadonlyMap<string, Sighting>;

/** After as many answers of 404, and no other, the server is the wrong one: enough for each of 64 fields to be asked for. */
const MAX_UNKNOWN = 128;

/** The parts of a client that a reader uses. */
export interface ReaderParts {
  readonly server: ServerClient;
  readonly clock: Clock;
  readonly questions: Questions;
  readonly fields: FieldRegistry;
  readonly warnings: Warnings;
}

/** Reads the last values of fields. */
export class Reader {
  readonly #server: ServerClient;
  readonly #clock: Clock;
  readonly #questions: Questions;
  readonly #fields: FieldRegistry;
  readonly #warnings: Warnings;

  constructor({ server, clock, questions, fields, warnings }: ReaderParts) {
    this.#server = server;
    this.#clock = clock;
    this.#questions = questions;
    this.#fields = fields;
    this.#warnings = warnings;
  }

  /**
   * @returns The readings in the order asked for; a field that the server does not know is absent.
   * @throws {@link ValueException} if a field can't be asked for. {@link GetException} if the server didn't answer well.
   */
  async get(names: readonly string[], signal?: Signal): Promise<Reading[]> {
    const fields = this.#fields.findReadable(names);
    const result = await this.read(fields.map(fieldIdOf), signal);
    if ('failure' in result) throw getException(result.failure);
    return this.readings(fields, result.known);
  }

  /**
   * Reads with as many requests as it takes, one after another.
   *
   * A server may answer 404 where it knows only some of the fields: then they are found by halving. Where it answers 404
   * to all of them, nothing tells that it is the right server, and that is a failure.
   *
   * @throws {@link GetException} if the signal aborts or reading was stopped.
   */
  async read(fieldIds: readonly string[], signal?: Signal): Promise<ReadResult> {
    const known = new Map<string, Sighting>();
    const distinct = [...new Set(fieldIds)];
    const lists = chunkIds(distinct, this.#server.maxIdsLength).reverse();
    let patience = Math.min(2 * distinct.length, MAX_UNKNOWN);
    let failure: Verdict | undefined;
    for (let ids = lists.pop(); ids !== undefined; ids = lists.pop()) {
      const verdict = await this.#readList(ids, known, signal);
      if (verdict.kind === 'stored') {
        patience = Number.POSITIVE_INFINITY;
        continue;
      }
      failure = verdict;
      const isUnknown = verdict.status === 404;
      const half = Math.ceil(ids.length / 2);
      if (ids.length > 1 && (isUnknown || verdict.status === 414)) lists.push(ids.slice(half), ids.slice(0, half));
      else if (!isUnknown) return { failure };
      patience -= 1;
      if (patience < 1) break;
    }
    return failure !== undefined && patience < Number.POSITIVE_INFINITY ? { failure } : { known };
  }

  /** The readings in the order asked for, with the server's times moved to the local clock. */
  readings(fields: readonly Field[], known: Sightings): Reading[] {
    return fields.flatMap((field) => {
      const { fieldId, name } = field;
      const sighting = known.get(fieldId);
      if (sighting === undefined) return [];
      if (!this.#fields.accepts(field, sighting.value)) {
        this.#warnings.add(valueRefused(show(name)));
        return [];
      }
      const { value, timestamp, shift } = sighting;
      const moved = timestamp === null ? null : timestamp + shift;
      return { fieldId, ...(name !== undefined && { field: name }), value, timestamp: moved };
    });
  }

  /** Adds what one request brings. @returns Its verdict: bad luck where the answer is not what it should be. */
  async #readList(ids: readonly string[], known: Map<string, Sighting>, signal: Signal | undefined): Promise<Verdict> {
    const { verdict, body } = await this.#questions.ask(() => this.#server.getValues(ids), signal);
    if (verdict.kind !== 'stored') return verdict;
    const values = tryToRead(body);
    if ('fault' in values) {
      return {
        ...verdict,
        kind: 'transient',
        message: `Bad luck: the server's answer is not what it should be: ${foreignText(values.fault, (text) => this.#server.redact(text))}.`,
        advice: 'Something other than the NikDev IoT server may have answered: check baseUrl. Nothing was changed.',
      };
    }
    // Protocol: timestamp + round(localNow - servertime).
    const shift = Math.round(this.#clock.now() / 1000 - values.servertime);
    for (const reading of values.readings) known.set(reading.fieldId, { ...reading, shift });
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
 * @param maxLength - How many characters the ids of one URL may take, percent-encoded and joined by commas. A longer id
 * goes alone.
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

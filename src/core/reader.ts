import type { Clock } from './clock.js';
import { type ApiException, GetException, show, ValueException } from './exceptions.js';
import type { Outcome, Server } from './server.js';
import { onAbort, type Signal } from './signal.js';
import { checkFieldId, type FieldValue } from './value.js';
import { readValues, WireError } from './wire.js';

/** A field's last value. */
export interface Reading {
  readonly fieldId: string;
  /** `null` if the field has no value yet. */
  readonly value: FieldValue | null;
  /** Unix seconds, moved to the local clock; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

/** Reads the last values of fields. */
export class Reader {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #underWay = new Set<(exception: ApiException) => void>();

  constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /**
   * @returns The readings in the order asked for; a field that the server does not know is absent.
   * @throws {@link ValueException} if an id can't be asked for. {@link GetException} if the server didn't answer well.
   */
  async get(fieldIds: readonly string[], signal?: Signal): Promise<Reading[]> {
    if (!Array.isArray(fieldIds))
      throw new ValueException(`the ids must be a string or an array, got ${show(fieldIds)}`);
    for (const fieldId of fieldIds) checkReadable(fieldId);
    if (fieldIds.length === 0) return [];
    const { verdict, body, redact } = await this.#ask([...new Set(fieldIds)], signal);
    if (verdict.kind !== 'stored') throw new GetException(verdict.message, verdict.advice, verdict);
    try {
      const { servertime, readings } = readValues(body);
      // The server's times are moved to the local clock (protocol: timestamp + round(localNow - servertime)).
      const shift = Math.round(this.#clock.now() / 1000 - servertime);
      const byId = new Map(readings.map((reading) => [reading.fieldId, reading]));
      return fieldIds.flatMap((fieldId) => {
        const reading = byId.get(fieldId);
        if (reading === undefined) return [];
        return { ...reading, timestamp: reading.timestamp === null ? null : reading.timestamp + shift };
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new GetException(
        `Bad luck: the server's answer is not what it should be: ${redact(error.message)}.`,
        'Something other than the NikDev IoT server may have answered: check baseUrl. Nothing was changed.',
        verdict,
      );
    }
  }

  /** Ends what is under way: it rejects with `exception`. */
  stop(exception: ApiException): void {
    for (const reject of this.#underWay) reject(exception);
  }

  async #ask(fieldIds: readonly string[], signal: Signal | undefined): Promise<Outcome> {
    if (signal?.aborted) throw abortedBySignal();
    const { outcome, abort } = this.#server.getValues(fieldIds);
    return new Promise((resolve, reject) => {
      const end = (exception: ApiException): void => {
        leave();
        abort();
        reject(exception);
      };
      const stopListening = onAbort(signal, () => end(abortedBySignal()));
      const leave = (): void => {
        stopListening();
        this.#underWay.delete(end);
      };
      this.#underWay.add(end);
      void outcome.then((result) => {
        leave();
        resolve(result);
      });
    });
  }
}

function abortedBySignal(): GetException {
  return new GetException('Bad luck: the request was aborted by its signal.', 'Nothing was changed. Ask again.');
}

function checkReadable(fieldId: unknown): void {
  checkFieldId(fieldId);
  if (fieldId === '.' || fieldId === '..') {
    throw new ValueException(
      `the field id ${show(fieldId)} can't be read: in a URL it means a folder, however it is encoded`,
    );
  }
}

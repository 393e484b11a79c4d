import type { Rejection } from '../../core/model/entry.js';
import { shortText } from '../../core/model/foreign-text.js';
import type { Secrets } from '../keys/secret.js';
import { encodeUpload, type StoredUpload } from '../message.js';
import { QUARANTINE, quarantineSubject } from '../names.js';
import type { Nats } from '../nats.js';
import type { RefusedEntry } from './device-client.js';
import { type Origin, placeOf, uploadOfOne } from './entries.js';
import { type CopiedMessage, fieldsOf } from './parked-messages.js';

/** Headers of a quarantined message, besides those of an upload. */
export const QUARANTINE_HEADERS = { status: 'Nikdev-Status', reason: 'Nikdev-Reason' } as const;

/** A message of the queue that was quarantined before: its entries count as settled, and are to be sent anyway. */
export const AGAIN = 'Nikdev-Again';

/** So many messages are published at once. */
const BATCH = 50;

/** Entries that upstream does not accept, each an upload of its own with the reason, and messages that no gateway wrote. */
export class QuarantineStream {
  readonly #nats: Nats;
  readonly #secrets: Secrets;

  constructor(nats: Nats, secrets: Secrets) {
    this.#nats = nats;
    this.#secrets = secrets;
  }

  /** Adds entries of an upload, each once however often it is called within the time in which JetStream finds duplicates. */
  async add(upload: StoredUpload, refused: readonly RefusedEntry[], origin: Origin): Promise<void> {
    for (let start = 0; start < refused.length; start += BATCH)
      await Promise.all(
        refused.slice(start, start + BATCH).map(({ entry: { index }, rejection }) => {
          const { headers, body } = encodeUpload(uploadOfOne(upload, index), this.#secrets.newest);
          return this.#publish(upload.device, { fields: headers, body, rejection, id: `${placeOf(origin)}/${index}` });
        }),
      );
  }

  /** Adds a whole message as it is, except one that is longer than an upload: no gateway wrote it, and it is cut. */
  async addMessage(
    device: string,
    { data, headers }: CopiedMessage,
    rejection: Rejection,
    origin: Origin,
  ): Promise<void> {
    const body = data.subarray(0, this.#nats.maxBodyBytes);
    await this.#publish(device, { fields: fieldsOf(headers), body, rejection, id: placeOf(origin) });
  }

  async #publish(
    device: string,
    message: {
      readonly fields: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      readonly rejection: Rejection;
      readonly id: string;
    },
  ): Promise<void> {
    const { fields, body, rejection, id } = message;
    const headers = {
      ...fields,
      [QUARANTINE_HEADERS.status]: String(rejection.status),
      [QUARANTINE_HEADERS.reason]: shortText(rejection.reason),
      'Nats-Msg-Id': id,
    };
    await this.#nats.publish(QUARANTINE, { subject: quarantineSubject(device), headers, body });
  }
}

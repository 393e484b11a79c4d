import type { StoredMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { PARKED, parkedSubject } from '../names.js';
import type { Nats } from '../nats.js';
import { type Origin, placeOf } from './entries.js';

/** The place of the message in the queue. */
const ORIGIN = 'Nikdev-Origin';
const MESSAGE_ID = 'Nats-Msg-Id';

/** The parts of a message that are copied. */
export interface CopiedMessage {
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
}

/** A message that waits apart from the queue. */
export interface ParkedMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs;
  /** Of the stream of parked messages. */
  readonly sequence: number;
  readonly origin: Origin;
}

/** The messages of parked devices, in the order in which they were queued. */
export class ParkedMessages {
  readonly #nats: Nats;

  constructor(nats: Nats) {
    this.#nats = nats;
  }

  /** Copies a message behind the others of its device, once however often it is called. */
  async add(device: string, { data, headers }: CopiedMessage, origin: Origin): Promise<void> {
    const place = placeOf(origin);
    const fields = { ...fieldsOf(headers), [ORIGIN]: place, [MESSAGE_ID]: `parked/${place}` };
    await this.#nats.publish(PARKED, { subject: parkedSubject(device), headers: fields, body: data });
  }

  /** The oldest message of a device from a sequence on. */
  async next(device: string, from: number): Promise<ParkedMessage | undefined> {
    const query = { next_by_subj: parkedSubject(device), seq: Math.max(from, 1) };
    const stored = await this.#nats.jsm.streams.getMessage(PARKED, query);
    return stored === null ? undefined : messageOf(stored);
  }

  async remove({ sequence }: ParkedMessage): Promise<void> {
    await this.#nats.deleteMessage(PARKED, sequence);
  }
}

function messageOf({ subject, data, header: headers, seq: sequence, timestamp }: StoredMsg): ParkedMessage {
  return { subject, data, headers, sequence, origin: originOf(headers) ?? { sequence, time: nanosOf(timestamp) } };
}

function originOf(headers: MsgHdrs): Origin | undefined {
  const [, sequence, time] = /^(\d{1,16})\/(\d{1,20})$/.exec(headers.get(ORIGIN)) ?? [];
  return sequence && time ? { sequence: Number(sequence), time: BigInt(time) } : undefined;
}

const nanosOf = (timestamp: string): bigint => BigInt(Date.parse(timestamp)) * 1_000_000n;

/** Any client of the cluster may have written the headers; the rest of {@link MAX_HEADER_BYTES} is for those of a copy. */
const MAX_COPIED_LENGTH = 20_480;

/** The headers of a message of this format, up to a length; those that control JetStream are not copied. */
export function fieldsOf(headers: MsgHdrs | undefined): Record<string, string> {
  const fields: Record<string, string> = {};
  let length = 0;
  for (const name of headers?.keys().filter((key) => key.startsWith('Nikdev-')) ?? []) {
    const value = headers?.get(name) ?? '';
    length += Buffer.byteLength(name + value) + ': \r\n'.length;
    if (length > MAX_COPIED_LENGTH) break;
    fields[name] = value;
  }
  return fields;
}

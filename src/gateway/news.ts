import { Listeners } from '../core/notify/emitter.js';

/** The conditions that an operator has to look at. */
export const ALARMS = [
  /** A stream, a consumer or a bucket is gone until `init` or a restored backup brings it back: without `NIKDEV` nothing is accepted. */
  'stream-missing',
  /** The stream is full: nothing is accepted. */
  'stream-full',
  /** Requests to the cluster fail, so that a partition forwards nothing: uploads are accepted until the queue is full. */
  'worker-stalled',
  /** A message is of a newer format; it is left in the stream. */
  'unknown-format',
  /** A message was not written by a gateway with one of the secrets. */
  'forged-message',
  /** An API key can't be unsealed with any of the secrets. */
  'sealed-key',
  /** An API key of messages is not in the bucket. */
  'missing-key',
] as const;

export type Alarm = (typeof ALARMS)[number];

/** The events of a gateway. None has an API key, a body, or a text of upstream that was not cleaned and redacted. */
export interface GatewayEvents {
  /** An upload was replicated, and 202 is sent. */
  accepted: {
    readonly device: string;
    readonly entries: number;
    readonly bytes: number;
    readonly isVerified: boolean;
    /** Whether the stream had the message already. */
    readonly isDuplicate: boolean;
    /** From the head of the request to the acknowledgement. */
    readonly milliseconds: number;
  };
  /** A request was answered with another status than a success. */
  rejected: { readonly status: number };
  /** The stream did not acknowledge an upload: 503 is sent. */
  unacknowledged: { readonly reason: string; readonly isOfDevice?: boolean };
  /** Upstream stored entries of a message. */
  forwarded: { readonly device: string; readonly partition: number; readonly entries: number };
  /** An upload to upstream ended. */
  'upstream-answered': { readonly isStored: boolean; readonly milliseconds: number };
  /** Nothing is stored: a partition waits. */
  'upstream-away': { readonly partition: number; readonly reason: string; readonly delayMilliseconds: number };
  quarantined: { readonly device: string; readonly entries: number; readonly reason: string };
  parked: { readonly device: string; readonly reason: string };
  unparked: { readonly device: string };
  /** Upstream was asked about an API key. */
  'key-checked': { readonly device: string; readonly outcome: 'accepted' | 'refused' | 'unknown' };
  /** The connection to the cluster broke, or is there again. */
  connection: { readonly isConnected: boolean };
  alarm: { readonly alarm: Alarm; readonly message: string };
}

type ListenersByName = { [Name in keyof GatewayEvents]?: Listeners<GatewayEvents[Name]> };

/** Emits the events of a gateway. A listener that throws affects nothing else. */
export class GatewayNews {
  readonly #listeners: ListenersByName = {};

  /** Adds a listener. @returns A function that removes it. */
  on<Name extends keyof GatewayEvents>(name: Name, listener: (event: GatewayEvents[Name]) => unknown): () => void {
    const listeners: Listeners<GatewayEvents[Name]> = this.#listeners[name] ?? new Listeners();
    this.#listeners[name] = listeners as ListenersByName[Name];
    return listeners.add(listener);
  }

  emit<Name extends keyof GatewayEvents>(name: Name, event: GatewayEvents[Name]): void {
    this.#listeners[name]?.emit(event, () => {});
  }
}

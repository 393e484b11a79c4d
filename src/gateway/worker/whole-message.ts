import type { Rejection } from '../../core/model/entry.js';
import { QUARANTINE } from '../names.js';
import type { GatewayNews } from '../news.js';
import type { Origin } from './entries.js';
import type { CopiedMessage } from './parked-messages.js';
import type { QuarantineStream } from './quarantine.js';
import type { Turn } from './turn.js';

/** A message that is quarantined as it is. */
export interface WholeMessage {
  readonly device: string;
  readonly message: CopiedMessage;
  readonly origin: Origin;
}

interface WholeMessageParts {
  readonly quarantine: QuarantineStream;
  readonly news: GatewayNews;
}

/** Quarantines a whole message, and reports it. */
export async function quarantineWhole(
  { quarantine, news }: WholeMessageParts,
  { device, message, origin }: WholeMessage,
  { entries, ...rejection }: Rejection & { readonly entries: number },
  turn: Turn,
): Promise<void> {
  await turn.persist(QUARANTINE, () => quarantine.addMessage(device, message, rejection, origin));
  news.emit('quarantined', { device, entries, reason: rejection.reason });
}

/** Quarantines a message that no gateway with one of the secrets wrote, and raises the alarm. It counts as one entry. */
export async function quarantineForged(
  parts: WholeMessageParts,
  message: WholeMessage,
  reason: string,
  turn: Turn,
): Promise<void> {
  parts.news.emit('alarm', { alarm: 'forged-message', message: `a message is not forwarded: ${reason}` });
  await quarantineWhole(parts, message, { status: 0, reason, entries: 1 }, turn);
}

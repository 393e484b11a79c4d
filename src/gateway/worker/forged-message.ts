import { QUARANTINE } from '../names.js';
import type { GatewayNews } from '../news.js';
import type { Origin } from './entries.js';
import type { CopiedMessage } from './parked-messages.js';
import type { QuarantineStream } from './quarantine.js';
import type { Turn } from './turn.js';

export interface ForgedMessage {
  readonly device: string;
  readonly message: CopiedMessage;
  readonly origin: Origin;
  readonly reason: string;
}

interface ForgedMessageParts {
  readonly quarantine: QuarantineStream;
  readonly news: GatewayNews;
}

/** Quarantines a message that no gateway with one of the secrets wrote, and reports it. It counts as one entry. */
export async function quarantineForged(
  { quarantine, news }: ForgedMessageParts,
  { device, message, origin, reason }: ForgedMessage,
  turn: Turn,
): Promise<void> {
  news.emit('alarm', { alarm: 'forged-message', message: `a message is not forwarded: ${reason}` });
  await turn.persist(QUARANTINE, () => quarantine.addMessage(device, message, { status: 0, reason }, origin));
  news.emit('quarantined', { device, entries: 1, reason });
}

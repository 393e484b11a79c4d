import type { Warning } from './events.js';
import type { Durability } from './storage.js';

/** How things stand, as git's status would tell. */
export interface Status {
  /** How many values are staged. */
  readonly staged: number;
  /** How many entries are committed and wait for their push. */
  readonly committed: number;
  /** How many entries are set aside as refused by the server. */
  readonly quarantined: number;
  /** How many bytes of UTF-8 the values of the committed entries take. */
  readonly bytes: number;
  /** What a committed entry survives. */
  readonly durability: Durability;
  /** Whether a push is under way. */
  readonly pushing: boolean;
  /** What is not as it should be, each once, oldest first. */
  readonly warnings: readonly Warning[];
}

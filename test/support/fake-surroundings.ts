import type { Surroundings, Turn } from '../../src/core/surroundings.js';
import { UploadSlots } from '../../src/core/upload-slots.js';

/** A page or process that becomes what a test says. */
export class FakeSurroundings implements Surroundings {
  isOnline = true;
  isHidden = false;
  readonly keepalive = { bytesLeft: 60 * 1024 };
  readonly uploads: UploadSlots;
  readonly #told = new Set<(turn: Turn) => void>();

  /** @param uploads - How many may be under way at once. */
  constructor(uploads = 16) {
    this.uploads = new UploadSlots(uploads);
  }

  /** How many listen. */
  get listeners(): number {
    return this.#told.size;
  }

  watch(tell: (turn: Turn) => void): () => void {
    this.#told.add(tell);
    return () => void this.#told.delete(tell);
  }

  take(turn: Turn): void {
    if (turn === 'online' || turn === 'offline') this.isOnline = turn === 'online';
    if (turn === 'shown' || turn === 'hidden') this.isHidden = turn === 'hidden';
    for (const tell of [...this.#told]) tell(turn);
  }
}

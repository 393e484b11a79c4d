import type { Environment, LifecycleEvent } from '../../../src/core/ports/environment.js';
import { UploadSemaphore } from '../../../src/core/push/upload-semaphore.js';

/** A page or process that becomes what a test says. */
export class FakeEnvironment implements Environment {
  isOnline = true;
  isHidden = false;
  readonly keepalive = { bytesLeft: 60 * 1024 };
  readonly uploads: UploadSemaphore;
  readonly #told = new Set<(turn: LifecycleEvent) => void>();

  /** @param uploads - How many may be under way at once. */
  constructor(uploads = 16) {
    this.uploads = new UploadSemaphore(uploads);
  }

  /** How many listen. */
  get listeners(): number {
    return this.#told.size;
  }

  subscribe(tell: (turn: LifecycleEvent) => void): () => void {
    this.#told.add(tell);
    return () => void this.#told.delete(tell);
  }

  take(turn: LifecycleEvent): void {
    if (turn === 'online' || turn === 'offline') this.isOnline = turn === 'online';
    if (turn === 'visible' || turn === 'hidden') this.isHidden = turn === 'hidden';
    for (const tell of [...this.#told]) tell(turn);
  }
}

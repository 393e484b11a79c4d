import type { Environment, LifecycleEvent } from '../../../src/core/ports/environment.js';
import { KeepaliveBudget } from '../../../src/core/push/unload-flush.js';
import { UploadSemaphore } from '../../../src/core/push/upload-semaphore.js';

/** An environment whose lifecycle events the test dispatches. */
export class FakeEnvironment implements Environment {
  isOnline = true;
  isHidden = false;
  readonly keepalive = new KeepaliveBudget(60 * 1024);
  readonly uploads: UploadSemaphore;
  readonly #listeners = new Set<(event: LifecycleEvent) => void>();

  /** @param uploads - The number of uploads that may be in flight at once. */
  constructor(uploads = 16) {
    this.uploads = new UploadSemaphore(uploads);
  }

  /** The number of subscriptions. */
  get listeners(): number {
    return this.#listeners.size;
  }

  subscribe(listener: (event: LifecycleEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  dispatch(event: LifecycleEvent): void {
    if (event === 'online' || event === 'offline') this.isOnline = event === 'online';
    if (event === 'visible' || event === 'hidden') this.isHidden = event === 'hidden';
    for (const listener of [...this.#listeners]) listener(event);
  }
}

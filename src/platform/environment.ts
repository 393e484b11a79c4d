import { Listeners } from '../core/notify/emitter.js';
import type { Environment, LifecycleEvent } from '../core/ports/environment.js';
import { UploadSemaphore } from '../core/push/upload-semaphore.js';

declare const process: {
  on?(event: string, listener: () => void): void;
  off?(event: string, listener: () => void): void;
};

/** All that are told: one listener of the platform's serves any number of `Api`s. */
const told = /* @__PURE__ */ new Listeners<LifecycleEvent>();
const stopped = (): void => {};
let stop = stopped;

/** The page or process that this runs in. */
export const environment: Environment = {
  get isOnline() {
    return !isPage() || typeof navigator === 'undefined' || navigator.onLine !== false;
  },
  get isHidden() {
    return isPage() && document.hidden;
  },
  // Browsers allow 65,536 bytes of bodies in flight, and fail what exceeds that as if there were no network.
  keepalive: { bytesLeft: 61_440 },
  // A gateway has an `Api` for each of thousands of devices.
  // Pure, so that a bundler drops this where no `Api` is used.
  uploads: /* @__PURE__ */ new UploadSemaphore(16),
  subscribe(tell) {
    if (told.size === 0) stop = isPage() ? watchPage() : watchProcess();
    const forget = told.add(tell);
    return () => {
      forget();
      if (told.size > 0) return;
      stop();
      stop = stopped;
    };
  },
};

function tellAll(turn: LifecycleEvent): void {
  told.emit(turn, () => {});
}

function watchPage(): () => void {
  const ends = [
    listen(window, 'online', () => tellAll('online')),
    listen(window, 'offline', () => tellAll('offline')),
    // Twice: as the process of a closed tab ends, Firefox cuts the running listener off, and then runs the next.
    listen(window, 'pagehide', () => tellAll('pagehide')),
    listen(window, 'pagehide', () => tellAll('pagehide')),
    // Back from the back/forward cache: not all browsers tell of the visibility then.
    listen(window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && tellAll('visible')),
    listen(document, 'visibilitychange', () => tellAll(environment.isHidden ? 'hidden' : 'visible')),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function listen(target: EventTarget, type: string, listener: (event: Event) => void): () => void {
  target.addEventListener(type, listener);
  return () => target.removeEventListener(type, listener);
}

/** A process that has nothing more to do asks once whether there is something after all. */
function watchProcess(): () => void {
  if (typeof process === 'undefined' || typeof process.on !== 'function') return () => {};
  const onIdle = (): void => tellAll('before-exit');
  process.on('beforeExit', onIdle);
  return () => process.off?.('beforeExit', onIdle);
}

/**
 * Whether this runs in a page; not in a worker, Node, Bun or Deno, where server-side rendering may have made up a `window` and a
 * `document`.
 */
export const isPage = (): boolean =>
  typeof window !== 'undefined' && typeof document !== 'undefined' && canListen(window) && canListen(document);

const canListen = (target: Partial<EventTarget> | null): boolean => typeof target?.addEventListener === 'function';

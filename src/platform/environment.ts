import { Listeners } from '../core/notify/emitter.js';
import type { Environment, LifecycleEvent } from '../core/ports/environment.js';
import { KeepaliveBudget } from '../core/push/unload-flush.js';
import { UploadSemaphore } from '../core/push/upload-semaphore.js';

declare const process: {
  on?(event: string, listener: () => void): void;
  off?(event: string, listener: () => void): void;
};

/** Cloudflare's workerd, and what runs it: the name is the documented way to tell. */
const isWorkerRuntime = (): boolean => typeof navigator !== 'undefined' && navigator.userAgent === 'Cloudflare-Workers';

/** All that are told: one listener of the platform's serves any number of `Api`s. */
const told = /* @__PURE__ */ new Listeners<LifecycleEvent>();
const stopped = (): void => {};
let stop = stopped;

let hasWarned = false;

/** The page or process that this runs in. */
export const environment: Environment = {
  get isOnline() {
    return !isPage() || typeof navigator === 'undefined' || navigator.onLine !== false;
  },
  get isHidden() {
    return isPage() && document.hidden;
  },
  // Browsers allow 65,536 bytes of bodies in flight, and fail what exceeds that as if there were no network.
  keepalive: /* @__PURE__ */ new KeepaliveBudget(61_440),
  get isolatesRequests() {
    return isWorkerRuntime();
  },
  // A gateway has an `Api` for each of thousands of devices. A worker runtime has a limit of its own for each request.
  // Pure, so that a bundler drops this where no `Api` is used.
  uploads: /* @__PURE__ */ new UploadSemaphore(/* @__PURE__ */ isWorkerRuntime() ? Number.POSITIVE_INFINITY : 16),
  warn(message) {
    if (hasWarned || typeof console === 'undefined') return;
    hasWarned = true;
    console.warn(`nikdev-iot: ${message}`);
  },
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
  const onPagehide = (): void => tellAll('pagehide');
  const listeners: readonly [EventTarget, string, (event: Event) => void][] = [
    [window, 'online', () => tellAll('online')],
    [window, 'offline', () => tellAll('offline')],
    // Twice: as the process of a closed tab ends, Firefox cuts the running listener off, and then runs the next.
    [window, 'pagehide', onPagehide],
    [window, 'pagehide', () => onPagehide()],
    // Back from the back/forward cache: not all browsers tell of the visibility then.
    [window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && tellAll('visible')],
    [document, 'visibilitychange', () => tellAll(environment.isHidden ? 'hidden' : 'visible')],
  ];
  const listen = (): void => {
    for (const [target, type, listener] of listeners) target.addEventListener(type, listener);
  };
  listen();
  // document.open() removes all listeners of the window and the document, and the document's children, but no observer.
  // To add a listener again that is still there has no effect.
  const observer = typeof MutationObserver === 'undefined' ? undefined : new MutationObserver(listen);
  observer?.observe(document, { childList: true });
  return () => {
    observer?.disconnect();
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener);
  };
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

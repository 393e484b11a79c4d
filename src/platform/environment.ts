import type { Environment, HostEnvironment, LifecycleEvent } from '../core/ports/environment.js';
import { KeepaliveBudget } from '../core/push/unload-flush.js';
import { UploadSemaphore } from '../core/push/upload-semaphore.js';
import { countInMemory } from './exit-notice.js';
import { hostProcess, listenToProcess } from './host-process.js';
import { sharedSubscription } from './shared-subscription.js';

/** Whether this is Cloudflare's workerd, which documents this check. */
const isWorkerRuntime = (): boolean => globalThis.navigator?.userAgent === 'Cloudflare-Workers';

const DEBUG = 'NIKDEV_IOT_DEBUG';

/** Whether this is Node, Bun or Deno. */
const isProcess = (): boolean => !!hostProcess().versions?.node;

const warned = /* @__PURE__ */ new Set<string>();

/** The page or process that this runs in. */
export const environment: Environment = {
  get isOnline() {
    return !isPage() || globalThis.navigator?.onLine !== false;
  },
  get isHidden() {
    return isPage() && document.hidden;
  },
  // Browsers allow 65,536 bytes of bodies in flight, and fail further requests as if there were no network.
  keepalive: /* @__PURE__ */ new KeepaliveBudget(61_440),
  get isolatesRequests() {
    return isWorkerRuntime();
  },
  // A gateway has an `Api` for each of thousands of devices; a worker runtime has its own limit for each request.
  // Marked as pure, so that a bundler drops it if `Api` is not used.
  uploads: /* @__PURE__ */ new UploadSemaphore(/* @__PURE__ */ isWorkerRuntime() ? Number.POSITIVE_INFINITY : 16),
  get ignoresProxy() {
    // Bun and Deno use it.
    const { versions: { node, bun, deno } = {}, env = {} } = hostProcess();
    return !!node && !bun && !deno && !env['NODE_USE_ENV_PROXY'] && !!(env['HTTPS_PROXY'] ?? env['https_proxy']);
  },
  get isDebugging() {
    try {
      // A Deno without the right to read the variable would ask its user for it.
      const { permissions } = Object(globalThis).Deno ?? {};
      const isAllowed = !permissions || permissions.querySync({ name: 'env', variable: DEBUG }).state === 'granted';
      return (isAllowed && hostProcess().env?.[DEBUG] === '1') || (isPage() && !!localStorage['nikdev-iot:debug']);
    } catch {
      return false;
    }
  },
  print(line) {
    // Node writes `debug` to stdout.
    console[isProcess() ? 'error' : 'debug'](line);
  },
  warn(kind, message) {
    if (warned.size === warned.add(kind).size || typeof console === 'undefined') return;
    console.warn(`nikdev-iot: ${message}`);
  },
  countInMemory,
  subscribe: /* @__PURE__ */ sharedSubscription((emit) => (isPage() ? watchPage(emit) : watchProcess(emit))),
};

/** The environment in which a program's own {@link HostEnvironment} takes the place of what is known of a page. */
export const hosted = (host: HostEnvironment): Environment =>
  Object.create(environment, {
    isOnline: { get: () => host.isOnline },
    isHidden: { get: () => host.isHidden },
    subscribe: { value: (listener: (event: LifecycleEvent) => void) => host.subscribe(listener) },
  });

function watchPage(emit: (event: LifecycleEvent) => void): () => void {
  const onPagehide = (): void => emit('pagehide');
  const registrations: readonly [EventTarget, string, (event: Event) => void][] = [
    [window, 'online', () => emit('online')],
    [window, 'offline', () => emit('offline')],
    // Twice: while the process of a closed tab ends, Firefox interrupts the running listener, and then runs the next one.
    [window, 'pagehide', onPagehide],
    [window, 'pagehide', () => onPagehide()],
    // For a page restored from the back/forward cache, as not all browsers fire visibilitychange then.
    [window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && emit('visible')],
    [document, 'visibilitychange', () => emit(environment.isHidden ? 'hidden' : 'visible')],
  ];
  const listen = (): void => {
    for (const [target, type, listener] of registrations) target.addEventListener(type, listener);
  };
  let observer: MutationObserver | undefined;
  // document.open() removes all listeners of the window and the document, and the children of the document, but no observer.
  // Adding a listener again that is still registered has no effect.
  try {
    listen();
    observer = new MutationObserver(listen);
    observer.observe(document, { childList: true });
  } catch {
    // There is no MutationObserver, or a made-up page refuses: its events are only hints.
  }
  return () => {
    observer?.disconnect();
    for (const [target, type, listener] of registrations) target.removeEventListener(type, listener);
  };
}

/** Emits `before-exit` when the process has no more work. */
function watchProcess(emit: (event: LifecycleEvent) => void): () => void {
  const onIdle = (): void => emit('before-exit');
  listenToProcess('on', 'beforeExit', onIdle);
  return () => listenToProcess('off', 'beforeExit', onIdle);
}

/**
 * Whether this runs in a page, not in a worker, Node, Bun or Deno, where server-side rendering may define fake `window` and
 * `document` objects.
 */
export const isPage = (): boolean =>
  typeof window !== 'undefined' && typeof document !== 'undefined' && canListen(window) && canListen(document);

const canListen = (target: Partial<EventTarget> | null): boolean =>
  typeof target?.addEventListener === 'function' && typeof target.removeEventListener === 'function';

import { Listeners } from '../core/listeners.js';
import type { Surroundings, Turn } from '../core/surroundings.js';
import { UploadSlots } from '../core/upload-slots.js';
import { isPage } from './page.js';

declare const process: {
  on?(event: string, listener: () => void): void;
  off?(event: string, listener: () => void): void;
};

/** All that are told: one listener of the platform's serves any number of `Api`s. */
const told = /* @__PURE__ */ new Listeners<Turn>();
const stopped = (): void => {};
let stop = stopped;

/** The page or process that this runs in. */
export const surroundings: Surroundings = {
  get isOnline() {
    return !isPage() || navigator.onLine !== false;
  },
  get isHidden() {
    return isPage() && document.hidden;
  },
  // Browsers allow 65,536 bytes of bodies in flight, and fail what exceeds that as if there were no network.
  keepalive: { bytesLeft: 61_440 },
  // A gateway has an `Api` for each of thousands of devices.
  // Pure, so that a bundler drops this where no `Api` is used.
  uploads: /* @__PURE__ */ new UploadSlots(16),
  watch(tell) {
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

function tellAll(turn: Turn): void {
  told.tell(turn, () => {});
}

function watchPage(): () => void {
  const ends = [
    listen(window, 'online', () => tellAll('online')),
    listen(window, 'offline', () => tellAll('offline')),
    // Twice: as the process of a closed tab ends, Firefox cuts the running listener off, and then runs the next.
    listen(window, 'pagehide', () => tellAll('leaving')),
    listen(window, 'pagehide', () => tellAll('leaving')),
    // Back from the back/forward cache: not all browsers tell of the visibility then.
    listen(window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && tellAll('shown')),
    listen(document, 'visibilitychange', () => tellAll(surroundings.isHidden ? 'hidden' : 'shown')),
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
  const onIdle = (): void => tellAll('idle');
  process.on('beforeExit', onIdle);
  return () => process.off?.('beforeExit', onIdle);
}

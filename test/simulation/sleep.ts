import type { Host } from './run.js';
import type { World } from './world.js';

/** Stops a process by a signal, or freezes a page; or hides it in the back/forward cache, which tells it before. */
export function freeze(world: World, host: Host, isHidden: boolean): void {
  if (isHidden) host.page?.window.dispatchEvent(new Event('pagehide'));
  if (isHidden && host.life.isAlive) host.environment.take('pagehide');
  // The storage may have ended it.
  if (!host.life.isAlive) return;
  host.isHidden = isHidden;
  host.life.isFrozen = true;
  for (const owner of ownersIn(world, host)) world.time.frozen.add(owner);
}

/** Lets it go on where it was. What it was to be told meanwhile comes before its timers, which are overdue, or behind. */
export function wakeUp(world: World, host: Host): void {
  const { life, page } = host;
  for (const owner of ownersIn(world, host)) world.time.frozen.delete(owner);
  const untold = life.thaw();
  host.frozenAt = world.time.monotonic;
  if (host.isHidden) page?.window.dispatchEvent(new Event('pageshow'));
  if (host.isHidden && life.isAlive) host.environment.take('visible');
  host.isHidden = false;
  const isFirst = life.random() < 0.5;
  for (const tell of untold) {
    if (isFirst) life.tell(tell);
    else world.time.after(life, 0, () => life.tell(tell));
  }
}

function ownersIn({ runs }: World, host: Host): object[] {
  return [host.life, ...runs.filter((run) => run.host === host)];
}

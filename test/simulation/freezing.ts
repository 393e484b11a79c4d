import type { Host } from './run.js';
import type { World } from './world.js';

/** Stops a process by a signal, or freezes a page; or hides a page in the back/forward cache, after its `pagehide`. */
export function freeze(world: World, host: Host, isHidden: boolean): void {
  if (isHidden) host.page?.window.dispatchEvent(new Event('pagehide'));
  if (isHidden && host.lifecycle.isAlive) host.environment.dispatch('pagehide');
  // A storage operation in its handlers may have ended it.
  if (!host.lifecycle.isAlive) return;
  host.isHidden = isHidden;
  host.lifecycle.isFrozen = true;
  for (const owner of ownersIn(world, host)) world.time.frozen.add(owner);
}

/** Thaws a host. Events that arrived meanwhile are delivered before its overdue timers, or after them. */
export function wakeUp(world: World, host: Host): void {
  const { lifecycle, page } = host;
  for (const owner of ownersIn(world, host)) world.time.frozen.delete(owner);
  const undelivered = lifecycle.thaw();
  host.frozenAt = world.time.monotonic;
  if (host.isHidden) page?.window.dispatchEvent(new Event('pageshow'));
  if (host.isHidden && lifecycle.isAlive) host.environment.dispatch('visible');
  host.isHidden = false;
  const isFirst = lifecycle.random() < 0.5;
  for (const event of undelivered) {
    if (isFirst) lifecycle.deliver(event);
    else world.time.after(lifecycle, 0, () => lifecycle.deliver(event));
  }
}

function ownersIn({ runs }: World, host: Host): object[] {
  return [host.lifecycle, ...runs.filter((run) => run.host === host)];
}

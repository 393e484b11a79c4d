/** Failures of this many devices, without a stored push in between, are evidence against upstream. */
const FAILING_DEVICES = 3;

/** Records which devices' pushes were stored, to distinguish the failure of one device from an outage of upstream. */
export class Evidence {
  /** The last two devices, the latest last, so that one of them differs from any given device. */
  #stored: readonly { readonly device: string; readonly at: number }[] = [];
  /** The devices that failed since the last stored push. */
  readonly #failed = new Set<string>();
  #suspects = 0;

  /** @param at - On a monotonic clock, in milliseconds. */
  onStored(device: string, at: number): void {
    this.#stored = [...this.#stored.filter((other) => other.device !== device).slice(-1), { device, at }];
    this.#failed.clear();
    this.#suspects = 0;
  }

  onFailed(device: string): void {
    this.#failed.add(device);
  }

  /** A device was parked without evidence. */
  onSuspected(): void {
    this.#suspects += 1;
  }

  /** How many devices were parked without evidence since a push was stored. */
  get suspects(): number {
    return this.#suspects;
  }

  /** The time since a push of another device was stored; infinite if there is none, or several devices have failed since. */
  sinceOtherStored(device: string, now: number): number {
    const others = [...this.#failed].filter((other) => other !== device);
    const last = this.#stored.filter((stored) => stored.device !== device).at(-1);
    return last === undefined || others.length >= FAILING_DEVICES - 1 ? Number.POSITIVE_INFINITY : now - last.at;
  }
}

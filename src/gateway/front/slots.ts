/** Bounds the operations that are under way at once, in all and of one owner. */
export class Slots {
  readonly #max: number;
  readonly #maxOfOwner: number;
  readonly #byOwner = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];
  #used = 0;

  constructor(max: number, maxOfOwner: number) {
    this.#max = max;
    this.#maxOfOwner = maxOfOwner;
  }

  /** @returns `undefined` if there is no free slot: the operation does not run. */
  run<Result>(owner: string, operation: () => Promise<Result>): Promise<Result> | undefined {
    const used = this.#byOwner.get(owner) ?? 0;
    if (this.#used >= this.#max || used >= this.#maxOfOwner) return undefined;
    this.#used += 1;
    this.#byOwner.set(owner, used + 1);
    return operation().finally(() => this.#release(owner));
  }

  /** Resolves once no operation is under way. */
  idle(): Promise<void> {
    return this.#used === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(owner: string): void {
    const used = this.#byOwner.get(owner) ?? 1;
    if (used > 1) this.#byOwner.set(owner, used - 1);
    else this.#byOwner.delete(owner);
    this.#used -= 1;
    if (this.#used === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

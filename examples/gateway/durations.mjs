/** Enough for a stable 99th percentile of the last seconds. */
const KEPT = 1000;

/** The last durations of something. */
export class Durations {
  #milliseconds = [];

  add(milliseconds) {
    this.#milliseconds.push(milliseconds);
    if (this.#milliseconds.length > KEPT) this.#milliseconds.shift();
  }

  /** @returns {{ p50: number, p99: number } | undefined} In milliseconds; `undefined` without a duration. */
  percentiles() {
    const sorted = [...this.#milliseconds].sort((one, other) => one - other);
    const at = (share) => Math.round(sorted[Math.floor(sorted.length * share)]);
    return sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99) };
  }
}

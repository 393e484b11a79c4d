/**
 * Accounts for every reading of a device, by its number: a committed reading is stored, waits in the device's queue, is in
 * quarantine or was dropped from it; any other is lost.
 *
 * A number is `<run>-<count>`. A device ends when a commit fails, so all numbers of a run before a known one were committed
 * too, even if a device that was killed has not reported them.
 */
export class Ledger {
  #committed = new Set();
  /** The highest known count of each run. */
  #counts = new Map();
  #stored = new Set();
  #dropped = new Set();
  #waiting = new Set();
  #quarantined = new Set();

  /**
   * Takes over the state of the device's queue. Between two runs of the device the last report stays valid, as the queue is on
   * the disk.
   *
   * @param {{ committed?: string[], waiting: string[], quarantined: string[], dropped: string[] }} report
   */
  report({ committed = [], waiting, quarantined, dropped }) {
    for (const number of [...committed, ...waiting, ...quarantined, ...dropped]) this.#commit(number);
    for (const number of dropped) this.#dropped.add(number);
    this.#waiting = new Set(waiting);
    this.#quarantined = new Set(quarantined);
  }

  /** @param {Iterable<string>} numbers - Readings that the server stores, known ones included. */
  store(numbers) {
    for (const number of numbers) {
      // A device that is killed right after a commit has not reported it.
      this.#commit(number);
      this.#stored.add(number);
    }
  }

  figures() {
    // The server stores a reading before the device hears of it.
    const inQueue = (numbers) => [...numbers].filter((number) => !this.#stored.has(number)).length;
    return {
      committed: this.#committed.size,
      stored: this.#stored.size,
      waiting: inQueue(this.#waiting),
      quarantined: inQueue(this.#quarantined),
      dropped: this.#dropped.size,
      lost: [...this.#committed].filter((number) => this.#isLost(number)).length,
    };
  }

  #commit(number) {
    const [run, count] = number.split('-').map(Number);
    const known = this.#counts.get(run) ?? 0;
    for (let next = known + 1; next <= count; next++) this.#committed.add(`${run}-${next}`);
    this.#counts.set(run, Math.max(known, count));
  }

  #isLost(number) {
    return ![this.#stored, this.#waiting, this.#quarantined, this.#dropped].some((place) => place.has(number));
  }
}

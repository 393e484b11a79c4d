/**
 * Accounts for every reading of a device, by its number: a committed reading is stored, waits in the device's queue, is in
 * quarantine or was dropped from it; any other is lost.
 */
export class Ledger {
  #committed = new Set();
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
    for (const number of [...committed, ...waiting, ...quarantined, ...dropped]) this.#committed.add(number);
    for (const number of dropped) this.#dropped.add(number);
    this.#waiting = new Set(waiting);
    this.#quarantined = new Set(quarantined);
  }

  /** @param {Iterable<string>} numbers - Readings that the server stores, known ones included. */
  store(numbers) {
    for (const number of numbers) {
      // A device that is killed right after a commit has not reported it.
      this.#committed.add(number);
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

  #isLost(number) {
    return ![this.#stored, this.#waiting, this.#quarantined, this.#dropped].some((place) => place.has(number));
  }
}

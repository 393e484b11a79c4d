/**
 * A set of sequence numbers, kept as ranges: any number of queued entries of one writer forms only a few ranges.
 */
export class RangeSet {
  /** Ascending and not adjacent, both ends included. */
  readonly #ranges: [first: number, last: number][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The ranges, ascending, both ends included. */
  get ranges(): readonly (readonly [first: number, last: number])[] {
    return this.#ranges;
  }

  has(sequence: number): boolean {
    const range = this.#ranges[this.#find(sequence)];
    return range !== undefined && range[0] <= sequence;
  }

  /** @returns Whether the number was added, `false` if the set had it. */
  add(sequence: number): boolean {
    const latest = this.#ranges[this.#ranges.length - 1];
    if (latest !== undefined && latest[1] === sequence - 1) {
      // Fast path: numbers count up.
      latest[1] = sequence;
      this.#size += 1;
      return true;
    }
    const index = this.#find(sequence);
    const [range, before] = [this.#ranges[index], this.#ranges[index - 1]];
    if (range !== undefined && range[0] <= sequence) return false;
    const joinsBefore = before !== undefined && before[1] === sequence - 1;
    const joinsNext = range !== undefined && range[0] === sequence + 1;
    if (joinsBefore && joinsNext) {
      before[1] = range[1];
      this.#ranges.splice(index, 1);
    } else if (joinsBefore) before[1] = sequence;
    else if (joinsNext) range[0] = sequence;
    else this.#ranges.splice(index, 0, [sequence, sequence]);
    this.#size += 1;
    return true;
  }

  /** @returns Whether the set had the number. */
  delete(sequence: number): boolean {
    return this.deleteRange(sequence, sequence) > 0;
  }

  /**
   * Removes all numbers from `first` to `last`, in time proportional to the number of ranges.
   *
   * @returns The number of removed numbers.
   */
  deleteRange(first: number, last: number): number {
    const size = this.#size;
    const start = this.#find(first);
    const left: [first: number, last: number][] = [];
    let end = start;
    // If `last` is below `first`, nothing is removed.
    for (; first <= last && (this.#ranges[end]?.[0] ?? Number.POSITIVE_INFINITY) <= last; end++) {
      const [from, to] = this.#ranges[end] as [number, number];
      this.#size -= Math.min(to, last) - Math.max(from, first) + 1;
      if (from < first) left.push([from, first - 1]);
      if (to > last) left.push([last + 1, to]);
    }
    this.#ranges.splice(start, end - start, ...left);
    return size - this.#size;
  }

  /** The index of the first range that ends at or after a number. */
  #find(sequence: number): number {
    let low = 0;
    let high = this.#ranges.length;
    // Fast path: numbers are added at the end and removed at the start.
    const [first, last] = [this.#ranges[0], this.#ranges[high - 1]];
    if (last === undefined || last[1] < sequence) return high;
    if (first !== undefined && first[1] >= sequence) return 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The numbers and lines on the page. */
export class State {
  #phase = 'Starting…';
  #events = [];
  #result;

  /** Adds an event, and prints it. */
  note(text) {
    const at = Date.now();
    this.#events.push({ at, text });
    console.log(`${new Date(at).toISOString()} ${text}`);
  }

  /** Begins a phase of the demo. */
  begin(phase) {
    this.#phase = phase;
  }

  /** Ends the demo. */
  end(text, isGood) {
    this.#result = { text, isGood };
  }

  /** @returns {object} The state, to be sent as JSON. */
  read({ fleet, cluster, nats, gateways, processes }) {
    const { leader, depth, parked } = cluster;
    const processState = (name) => (processes.isRunning(name) ? (name === leader ? 'leader' : 'runs') : 'killed');
    return {
      phase: this.#phase,
      result: this.#result,
      figures: {
        devices: fleet.size,
        committed: fleet.committedCount,
        waiting: fleet.waitingCount,
        depth,
        forwarded: fleet.storedCount,
        parked,
      },
      latency: { acknowledged: fleet.acknowledged.percentiles(), stored: fleet.stored.percentiles() },
      processes: [...nats.names, ...gateways.names].map((name) => ({ name, state: processState(name) })),
      events: this.#events,
    };
  }
}

import { Api } from 'nikdev-iot';
import { onDestroy } from 'svelte';
import { createSubscriber } from 'svelte/reactivity';

/** An `Api` for the life of a component, with its status and the last readings of a field. */
export class Device {
  api;
  readings = $state.raw([]);
  #subscribe;

  constructor(options, field, { everySeconds = 5 } = {}) {
    this.api = new Api(options);
    this.#subscribe = createSubscriber((update) => this.api.subscribe(update));
    // Runs in the browser only.
    $effect(() => {
      this.#follow(field, everySeconds).catch(console.error);
    });
    // Runs on the server, too.
    onDestroy(() => this.api.close());
  }

  get status() {
    this.#subscribe();
    return this.api.status();
  }

  async #follow(field, everySeconds) {
    for await (const readings of this.api.watch(field, { everySeconds })) this.readings = readings;
  }
}

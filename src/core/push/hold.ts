import type { Emitter } from '../notify/emitter.js';

/** Whether everything automatic is on hold: from `pause()` to `resume()`. */
export class Hold {
  readonly #emitter: Emitter;
  #isOn = false;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  begin(): void {
    this.#isOn = true;
    this.#emitter.emit('held');
  }

  end(): void {
    this.#isOn = false;
    this.#emitter.emit('held');
  }
}

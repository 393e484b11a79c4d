import { onTestFinished } from 'vitest';
import type { Ports } from '../../../src/client.js';
import { Api, type ApiOptions, type Entry } from '../../../src/index.js';
import { credentials } from './credentials.js';

let common: Partial<ApiOptions> = {};

/** Options of all `Api`s that {@link openApi} opens from now on, unless a test gives others. */
export function useOptions(options: Partial<ApiOptions>): void {
  common = options;
}

/** An `Api` that is closed when the test ends. */
export function openApi(options: Partial<ApiOptions> = {}, ports: Partial<Ports> = {}): Api {
  const api = new Api({ ...credentials, ...common, ...options }, ports);
  onTestFinished(() => api.close());
  return api;
}

/** Commits each number as an entry of its own. */
export function commitEach(api: Api, ...numbers: number[]): Entry[] {
  return numbers.map((number) => {
    api.addValue('temperature', number);
    const entry = api.commit();
    if (entry === undefined) throw new Error('nothing was committed');
    return entry;
  });
}

import { afterEach, describe, expect, test, vi } from 'vitest';
import { Api } from '../../src/index.js';
import { environment } from '../../src/platform/environment.js';
import { credentials } from '../support/builders/credentials.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
});

describe('debug lines in a page', () => {
  test('are asked for by a key in its localStorage, and go to console.debug', async () => {
    // As in a browser.
    vi.stubGlobal('process', undefined);
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => {});
    for (const value of ['', '1']) {
      localStorage.setItem('nikdev-iot:debug', value);
      const api = new Api(credentials);
      api.addValue('a', 1);
      api.commit();
      await api.close();
    }
    expect(debug.mock.calls).toEqual([[expect.stringMatching(/^nikdev-iot commit /)]]);
  });

  test('are off where localStorage may not be read', () => {
    vi.stubGlobal('localStorage', undefined);
    expect(environment.isDebugging).toBe(false);
  });
});

import { describe } from 'vitest';
import { httpFetch } from '../../src/node.js';
import { useOptions } from '../support/builders/api.js';

/** The tests of these files meet the same faults over `httpFetch`. */
describe('over httpFetch,', async () => {
  useOptions({ fetch: httpFetch() });
  await import('./network.test.js');
  await import('./answers.test.js');
  await import('./redirects.test.js');
  await import('./requests-above-a-size.test.js');
  await import('./not-the-network.test.js');
});

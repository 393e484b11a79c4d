import { httpFetch } from '../../../dist/node.js';
import { measureOurs } from './ours.mjs';

await measureOurs({ fetch: httpFetch() });

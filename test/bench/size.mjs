import { measureSizes } from '../../build/sizes.mjs';
import { row } from './compare.mjs';

/** In bytes. */
const GOALS = { 'dist/index.umd.js': 13_000, '{ memoryStorage }': 500 };

/** The bytes that a page loads, minified and in brotli. */
export async function size() {
  const sizes = await measureSizes();
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  return Object.entries(GOALS).map(([what, goal]) => {
    const { bytes } = sizes.find((one) => one.what === what);
    return row(`size: ${what}`, kilobytes(bytes), `≤ ${kilobytes(goal)}`, bytes <= goal);
  });
}

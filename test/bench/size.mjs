import { measurePrices, measureSizes } from '../../build/sizes.mjs';
import { row } from './compare.mjs';

/** In bytes. */
const GOALS = { 'dist/index.umd.js': 29_500, '{ Api }': 29_000 };

/** The bytes that a page loads, and those that each optional import adds: minified and in brotli. */
export async function size() {
  const sizes = await measureSizes();
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const prices = await measurePrices();
  return [
    ...Object.entries(GOALS).map(([what, goal]) => {
      const { bytes } = sizes.find((one) => one.what === what);
      return row(`size: ${what}`, kilobytes(bytes), `≤ ${kilobytes(goal)}`, bytes <= goal);
    }),
    ...prices.map(({ what, bytes }) => row(`size: ${what}, beside { Api }`, kilobytes(bytes))),
  ];
}

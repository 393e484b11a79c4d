import { InfluxDB, Point } from '@influxdata/influxdb-client';
import { fieldIds } from '../data.mjs';
import { measure, RECORDS, SLICE } from './measure.mjs';

// Seconds and plain text, as ours: compressing, which it does by default, would cost it time. The rest is as by default.
const open = (url, options) =>
  new InfluxDB({ url, token: 'token' }).getWriteApi('org', 'bucket', 's', {
    gzipThreshold: Number.POSITIVE_INFINITY,
    ...options,
  });

function writeTwo(api, count) {
  api.writePoint(new Point('reading').floatField(fieldIds[0], count + 0.5).stringField(fieldIds[1], 'on'));
}

/** Sends each 1000 automatically. The peer's `flush()` doesn't wait for requests under way: a callback counts what is delivered. */
function sending(url) {
  let missing = 0;
  let resolve = () => {};
  const api = open(url, {
    batchSize: SLICE,
    writeSuccess(lines) {
      missing -= lines.length;
      if (missing === 0) resolve();
    },
  });
  return {
    write(count) {
      missing += 1;
      writeTwo(api, count);
    },
    delivered: () =>
      new Promise((done) => {
        resolve = done;
        if (missing === 0) done();
      }),
  };
}

await measure({
  enqueue(url) {
    const api = open(url, { batchSize: 2 * RECORDS, flushInterval: 0 });
    return { write: (count) => writeTwo(api, count) };
  },
  waited: sending,
  free: sending,
});

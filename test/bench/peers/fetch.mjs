import { credentials, fieldIds } from '../data.mjs';
import { measure, SLICE } from './measure.mjs';

const headers = {
  'x-device-id': credentials.deviceId,
  'x-api-key': credentials.apiKey,
  'content-type': 'application/json',
};
const values = JSON.stringify([{ [fieldIds[0]]: 12_345.5 }, { [fieldIds[1]]: 'on' }]);
const entries = Array(SLICE).fill(`{"timestamp":1700000000,"values":${values}}`).join(',');

/** The upper bound of each client over `fetch`: nothing is written, and each request posts the same text. */
await measure({
  waited: (url) => ({
    write() {},
    async delivered() {
      const body = `{"clientTimestamp":1700000000,"entries":[${entries}]}`;
      const response = await fetch(`${url}api/v1/entries/`, { method: 'POST', headers, body });
      await response.text();
    },
  }),
});

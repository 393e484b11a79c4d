/** Shows what arrives: all texts are set as text, so that no value becomes markup. */
const SCRIPT = `
const byId = (id) => document.getElementById(id);
const cell = (row, text) => { row.insertCell().textContent = text; };
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const latest = new Map();
const trim = (body, most) => { while (body.rows.length > most) body.deleteRow(-1); };
const show = {
  request({ at, method, path, status, entries }) {
    const row = byId('requests').insertRow(0);
    row.className = status < 400 ? 'ok' : 'bad';
    for (const text of [time(at), method, path, status, entries ?? '']) cell(row, text);
    trim(byId('requests'), 100);
  },
  entry({ deviceId, timestamp, values }) {
    for (const { fieldId, value } of values) {
      const key = deviceId + ' ' + fieldId;
      let row = latest.get(key);
      if (!row) {
        if (latest.size >= 500) continue;
        row = byId('values').insertRow();
        latest.set(key, row);
      }
      row.replaceChildren();
      for (const text of [fieldId, String(value), time(timestamp), deviceId]) cell(row, text);
    }
  },
};
const events = new EventSource('/events');
events.onmessage = ({ data }) => { const { type, ...event } = JSON.parse(data); show[type]?.(event); };
events.onopen = () => { byId('state').textContent = 'live'; };
events.onerror = () => { byId('state').textContent = 'not connected'; };
`;

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
.bad { color: #c33; } #state { font-weight: normal; opacity: .7; }
`;

/** The page at `/`. @param nonce - Of its script and style. */
export const livePage = (nonce: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>NikDev IoT emulator</title>
<style nonce="${nonce}">${STYLE}</style>
<h1>NikDev IoT emulator <span id="state" role="status">…</span></h1>
<h2>Latest values</h2>
<table><thead><tr><th scope="col">Field<th scope="col">Value<th scope="col">Time<th scope="col">Device</tr></thead><tbody id="values"></tbody></table>
<h2>Requests</h2>
<table><thead><tr><th scope="col">Time<th scope="col">Method<th scope="col">Path<th scope="col">Status<th scope="col">Entries</tr></thead><tbody id="requests"></tbody></table>
<script nonce="${nonce}">${SCRIPT}</script>
</html>
`;

/** The headers of the page. */
export const pageHeaders = (nonce: string): Record<string, string> => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { createGateway, initGateway } from 'nikdev-iot/gateway';
import { execFileSync } from 'node:child_process';
import { inFolder } from './data.mjs';
import { startNatsServers } from './nats-servers.mjs';
const secret = randomBytes(32).toString('base64');
const cpuOf = () => { // ms of all nats-servers
  const pids = execFileSync('pgrep', ['nats-server']).toString().trim().split('\n');
  return pids.reduce((sum, pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return sum + (Number(f[11]) + Number(f[12])) * 10; }, 0);
};
const deviceOf = (n) => `11111111-1111-4111-8111-${String(n).padStart(12, '0')}`;
let sequence = 0;
async function hammer(inFlight, duration, run) {
  const end = performance.now() + duration; let calls = 0; const started = performance.now();
  const c0 = process.cpuUsage(), s0 = cpuOf();
  await Promise.all(Array.from({ length: inFlight }, async (_, line) => { for (let call = 0; performance.now() < end; call++) { await run((line + call * inFlight) % 256); calls++; } }));
  const c = process.cpuUsage(c0);
  return { calls, ms: performance.now() - started, client: (c.user + c.system), servers: (cpuOf() - s0) * 1000 };
}
await inFolder(async (folder) => {
  const { servers, stop } = await startNatsServers(folder);
  try {
    const nats = { servers };
    await initGateway({ nats, partitions: 64, maxBytes: 1e9, maxMessagesPerDevice: 1e6 });
    const connection = await connect({ ...nats, noAsyncTraces: true });
    const js = jetstream(connection), jsm = await jetstreamManager(connection);
    await jsm.streams.add({ name: 'BARE', subjects: ['bare.*'], num_replicas: 3, max_bytes: 1e9 });
    const front = createGateway({ nats, secret, worker: false, upstream: 'https://upstream.example/api/v1/', fetch: async () => new Response('{"data":{}}', { headers: { 'content-type': 'application/json' } }) });
    await front.ready;
    const now = Math.floor(Date.now() / 1000);
    for (const entries of [1, 100]) {
      const body = JSON.stringify({ clientTimestamp: now, entries: Array.from({ length: entries }, () => ({ timestamp: now, values: [{ '0a1b2c3d-0000-4000-8000-000000000001': 21.5 }, { '0a1b2c3d-0000-4000-8000-000000000002': 'on' }] })) });
      const payload = new TextEncoder().encode(body);
      const post = async (device) => {
        const first = sequence + 1; sequence += entries;
        const r = await front.fetch(new Request('http://127.0.0.1/api/v1/entries/', { method: 'POST', body, headers: { 'x-device-id': deviceOf(device), 'x-api-key': '22222222-2222-4222-8222-222222222222', 'x-entry-ids': entries === 1 ? `bench/${first}` : `bench/${first}-${sequence}` } }));
        if (r.status !== 202) throw new Error(r.status);
      };
      const bare = (device) => js.publish(`bare.${device}`, payload, { msgID: `b${sequence++}`, timeout: 10_000 });
      const H = { 'Nikdev-Version': '1', 'Nikdev-Device': 'ESERERERQRGBEREREREREQ', 'Nikdev-Offset': '123', 'Nikdev-Entry-Ids': 'bench/1', 'Nikdev-Key': 'x'.repeat(43), 'Nikdev-Verified': '1', 'Nikdev-Mac': 'y'.repeat(43) };
      const code = (d) => Buffer.from(deviceOf(d).replaceAll('-', ''), 'hex').toString('base64url');
      const queue = (device) => { const h = headers(); for (const k in H) h.set(k, H[k]); h.set('Nats-Msg-Id', `q${sequence++}`.padEnd(43, 'z')); return js.publish(`gw.${device % 64}.${code(device)}`, payload, { headers: h, timeout: 10_000, expect: { streamName: 'NIKDEV' } }); };
      const alike = (device) => { const h = headers(); for (const k in H) h.set(k, H[k]); h.set('Nats-Msg-Id', `q${sequence++}`.padEnd(43, 'z')); return js.publish(`bare.${device}`, payload, { headers: h, timeout: 10_000, expect: { streamName: 'BARE' } }); };
      for (let d = 0; d < 256; d++) await post(d);
      await hammer(64, 3000, post); await hammer(64, 2000, bare); await hammer(64, 2000, queue);
      for (const inFlight of [1, 16, 64]) {
        const sum = {};
        for (let slice = 0; slice < 6; slice++)
          for (const [name, run] of Object.entries({ bare, alike, queue, post })) {
            const r = await hammer(inFlight, 400, run);
            const s = sum[name] ??= { calls: 0, ms: 0, client: 0, servers: 0 };
            for (const k in s) s[k] += r[k];
          }
        const rate = (s) => s.calls / s.ms;
        console.log(entries, inFlight, Object.entries(sum).map(([n, s]) => `${n}: ${(rate(s) * 1000).toFixed(0)}/s ${(rate(s) / rate(sum.bare)).toFixed(2)}x client ${(s.client / s.calls).toFixed(0)} us servers ${(s.servers / s.calls).toFixed(0)} us`).join(' | '));
        await jsm.streams.purge('NIKDEV'); await jsm.streams.purge('BARE');
      }
    }
    await front.close(); await connection.close();
  } finally { await stop(); }
});

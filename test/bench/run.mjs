import { calls } from './calls.mjs';
import { commitIntoFile } from './commit-file.mjs';
import { commitIntoMemory } from './commit-memory.mjs';
import { commitIntoLocalStorage } from './commit-web.mjs';
import { gateway } from './gateway.mjs';
import { growth } from './growth.mjs';
import { manyDevices } from './many-devices.mjs';
import { memory } from './memory.mjs';
import { month } from './month.mjs';
import { outage } from './outage.mjs';
import { peers } from './peers.mjs';
import { push } from './push.mjs';
import { reopenFile } from './reopen-file.mjs';
import { size } from './size.mjs';
import { start } from './start.mjs';
import { wire } from './wire.mjs';

// The figures are ratios of one run, medians with their lowest and highest round: these are what can be compared.
const benches = {
  'commit-memory': commitIntoMemory,
  'commit-file': commitIntoFile,
  'commit-web': commitIntoLocalStorage,
  reopen: reopenFile,
  push,
  outage,
  wire,
  memory,
  month,
  growth,
  'many-devices': manyDevices,
  gateway,
  start,
  calls,
  size,
  peers,
};
const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const rows = [];
for (const name of names.length > 0 ? names : Object.keys(benches)) rows.push(...(await benches[name]()));
console.table(rows);

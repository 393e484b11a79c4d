import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { commitTwo, credentials } from './data.mjs';
import { ENTRIES } from './month.mjs';

const [, , part, folder, baseUrl] = process.argv;
const open = () => new Api({ ...credentials, baseUrl, storage: fileStorage(folder, { durability: 'process' }) });

process.send({ ...(await { commit, push }[part]()), megabytes: process.resourceUsage().maxRSS / 1024 });
process.disconnect();

async function commit() {
  const api = open();
  const start = performance.now();
  for (let count = 0; count < ENTRIES; count++) commitTwo(api, count);
  const seconds = since(start);
  await api.close();
  return { seconds };
}

async function push() {
  const start = performance.now();
  const api = open();
  await api.ready;
  const opening = since(start);
  const { pushed } = await api.push();
  const seconds = since(start) - opening;
  if (pushed !== ENTRIES) throw new Error(`${pushed} were pushed`);
  await api.close();
  return { opening, seconds };
}

function since(start) {
  return (performance.now() - start) / 1000;
}

import { setImmediate as turn } from 'node:timers/promises';

export const RECORDS = 100_000;
export const SLICE = 1000;

/**
 * Measures one side in this process, which is its own: the time from the first record to the last answer, and the most
 * memory that the process ever had. Work that a process does only once, such as loading its HTTP client, is done before.
 *
 * @param {Record<string, (url: string) => { write: (count: number) => void, delivered?: () => Promise<unknown> }>} side
 *   The functions that write records and wait until all written ones are delivered: `enqueue` sends nothing, `waited`
 *   sends when it is waited for, `free` automatically.
 */
export async function measure(side) {
  const [, , way, url] = process.argv;
  const { write, delivered } = side[way](url);
  await { enqueue, waited, free }[way](SLICE, write, delivered);
  const start = performance.now();
  await { enqueue, waited, free }[way](RECORDS, write, delivered);
  const milliseconds = performance.now() - start;
  process.send({ milliseconds, bytes: process.resourceUsage().maxRSS * 1024 });
}

function enqueue(records, write) {
  for (let count = 0; count < records; count++) write(count);
}

async function waited(records, write, delivered) {
  for (let slice = 0; slice < records / SLICE; slice++) {
    for (let count = 0; count < SLICE; count++) write(slice * SLICE + count);
    await delivered();
  }
}

async function free(records, write, delivered) {
  for (let slice = 0; slice < records / SLICE; slice++) {
    for (let count = 0; count < SLICE; count++) write(slice * SLICE + count);
    await turn();
  }
  await delivered();
}

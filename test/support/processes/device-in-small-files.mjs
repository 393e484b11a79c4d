import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';

/*
 * A device whose files may not grow beyond a limit, so that a write fails with EFBIG:
 *
 *   refuse <folder>        commits until that is refused, says why, pushes all, and commits again
 *   drop-oldest <folder>   commits 1000 times, and says how many entries were dropped and are kept
 */
const [role, folder] = process.argv.slice(2);
const api = new Api({
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
  storage: fileStorage(folder, { durability: 'process' }),
  fetch: async () => new Response('{"data":{}}'),
  ...(role === 'drop-oldest' && { overflow: 'drop-oldest' }),
});

function commit(number) {
  api.addValue('number', number);
  api.commit();
}

async function refuse() {
  try {
    for (let number = 0; ; number++) commit(number);
  } catch ({ message, isFull }) {
    console.log(`${message} isFull ${isFull}`);
  }
  await api.push();
  commit(0);
  console.log(`committed ${api.status().committed} after a push`);
}

function dropOldest() {
  let dropped = 0;
  api.on('discard', ({ entries }) => {
    dropped += entries.length;
  });
  for (let number = 0; number < 1000; number++) commit(number);
  console.log(`dropped ${dropped}, kept ${api.status().committed}`);
}

await (role === 'refuse' ? refuse() : dropOldest());
await api.close();

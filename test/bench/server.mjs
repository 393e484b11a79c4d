import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';

// A server in a process of its own, so that only the client's work is on the clock's thread.
const delay = Number(process.argv[2]);
const bySecond = [];
let underWay = 0;
let mostUnderWay = 0;
const started = performance.now();

const server = createServer(async (request, response) => {
  const second = Math.floor((performance.now() - started) / 1000);
  bySecond[second] = (bySecond[second] ?? 0) + 1;
  underWay += 1;
  mostUnderWay = Math.max(mostUnderWay, underWay);
  for await (const _chunk of request);
  if (delay > 0) await setTimeout(delay);
  underWay -= 1;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end('{"data":{}}');
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('message', () => process.send({ mostUnderWay, bySecond: Array.from(bySecond, (count = 0) => count) }));
process.on('disconnect', () => process.exit());

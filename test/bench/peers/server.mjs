import { createServer } from 'node:http';

// Both servers in one, in a process of its own: reads the body, answers at once, and only then counts what came.
const UPLOADS = {
  '/api/v1/entries/': { status: 200, answer: '{"data":{}}', record: '"values":' },
  '/api/v2/write': { status: 204, answer: '', record: '\n' },
};

let requests = 0;
let records = 0;

const server = createServer((request, response) => {
  const { status, answer, record } = UPLOADS[request.url.split('?')[0]];
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    response.writeHead(status, answer && { 'content-type': 'application/json' });
    response.end(answer);
    requests += 1;
    records += count(Buffer.concat(pieces), record);
    // Lines are joined by what they are counted by.
    if (record === '\n') records += 1;
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('message', () => {
  process.send({ requests, records });
  [requests, records] = [0, 0];
});
process.on('disconnect', () => process.exit());

function count(body, text) {
  let found = 0;
  for (let index = body.indexOf(text); index >= 0; index = body.indexOf(text, index + text.length)) found += 1;
  return found;
}

// A server of two processes: one listens and keeps connections until the other one takes them, which is started again when
// it crashes. Prints its port, and a line of JSON for each request: the numbers that it carried, and whether they are stored.
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createListener } from 'node:net';
import { fileURLToPath } from 'node:url';

const [, , bad] = process.argv;

if (process.send === undefined) listen();
else answer();

function listen() {
  const waiting = [];
  let worker;
  const handOver = () => {
    while (worker && waiting.length > 0) worker.send('connection', waiting.shift());
  };
  const start = () => {
    const child = fork(fileURLToPath(import.meta.url), [bad]);
    child.on('message', (message) => {
      if (message !== 'ready') console.log(JSON.stringify(message));
      worker = message.isStored === false ? undefined : child;
      handOver();
    });
    child.on('exit', start);
  };
  start();
  const listener = createListener({ pauseOnConnect: true }, (socket) => {
    waiting.push(socket);
    handOver();
  });
  listener.listen(0, '127.0.0.1', () => console.log(`port ${listener.address().port}`));
  process.on('SIGTERM', () => {
    worker?.removeAllListeners('exit').kill();
    process.exit();
  });
}

function answer() {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const numbers = JSON.parse(body).entries.map(({ values }) => Object.values(values[0])[0]);
    const isBad = numbers.includes(Number(bad));
    process.send({ numbers, isStored: !isBad }, () => {
      if (isBad) process.exit(1);
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end('{"data":{}}');
    });
  });
  process.on('message', (_message, socket) => {
    server.emit('connection', socket);
    socket.resume();
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');
}

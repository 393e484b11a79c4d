import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { render } from './dist/server/entry-server.js';

const page = await readFile('dist/client/index.html', 'utf8');
const server = createServer(async ({ url }, response) => {
  if (url.startsWith('/assets/')) {
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(`dist/client${url}`));
  } else {
    const rendered = page.replace('<div id="root"></div>', `<div id="root">${render()}</div>`);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(rendered);
  }
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));

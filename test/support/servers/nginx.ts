import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, onTestFinished, vi } from 'vitest';
import { findProgram } from '../browsers/find-program.js';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { closedPort } from './raw-server.js';

const NGINX = findProgram(process.env['NGINX'], 'nginx', '/usr/sbin/nginx');

/** Describes tests behind a real nginx; skipped, with a line that says so, where it is not installed. */
export function describeBehindNginx(name: string, define: () => void): void {
  if (NGINX === undefined) console.warn(`"${name}" is skipped, as nginx is not installed`);
  describe.skipIf(NGINX === undefined)(name, define);
}

/** The statuses that the nginx of these tests answers with an HTML page of its own. */
const PAGES = [413, 429, 502, 503, 504];

/** Starts an nginx that takes bodies of 4 KiB, before a server of this machine. @returns Its `baseUrl`. */
export async function startNginx(upstreamPort: number): Promise<string> {
  const folder = temporaryFolder();
  const port = await closedPort();
  mkdirSync(join(folder, 'pages'));
  for (const status of PAGES)
    writeFileSync(join(folder, 'pages', `${status}.html`), `<html><h1>${status}</h1></html>\n`);
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, upstreamPort));
  const nginx = spawn(NGINX ?? '', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: 'ignore' });
  const ended = once(nginx, 'exit');
  onTestFinished(async () => {
    nginx.kill('SIGTERM');
    await ended;
  });
  await vi.waitFor(() => isListening(port), { timeout: 10_000 });
  return `http://127.0.0.1:${port}/api/v1/`;
}

function isListening(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

const configuration = (port: number, upstreamPort: number): string => `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 4k;
    root pages;
    ${PAGES.map((status) => `error_page ${status} /${status}.html;`).join('\n    ')}
    location / {
      proxy_pass http://127.0.0.1:${upstreamPort};
      proxy_read_timeout 5s;
      proxy_intercept_errors on;
    }
    location ~ ^/\\d+\\.html$ {
      internal;
    }
  }
}
`;

#!/usr/bin/env node
import { main } from './cli/main.js';

// A reader such as head that has seen enough is no failure, and must not end a commit or a push.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
void main(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});

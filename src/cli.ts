#!/usr/bin/env node
import { main } from './cli/main.js';

// A reader such as head that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
void main(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});

#!/usr/bin/env node
import { main } from './cli/main.js';
import { tolerateOutputFailures } from './cli/output-failures.js';

tolerateOutputFailures(process);
void main(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});

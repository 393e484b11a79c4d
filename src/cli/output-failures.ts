import { codeWord } from '../core/model/foreign-text.js';
import { EXIT } from './exit.js';

/**
 * Lets a process go on whose output can't be written: a full disk, or a reader that is gone, must not end a commit or a push. The
 * first failure of standard output is reported, and the process exits with a code other than 0, unless its reader had seen enough.
 */
export function tolerateOutputFailures(process: NodeJS.Process): void {
  const { stdout, stderr } = process;
  let hasFailed = false;
  for (const stream of [stdout, stderr]) emitErrors(stream);
  stderr.on('error', () => {});
  stdout.on('error', (error) => {
    const code = codeWord(error) ?? 'unknown';
    // The reader, such as head, has seen enough.
    if (code === 'EPIPE' || hasFailed) return;
    hasFailed = true;
    stderr.write(`nikdev-iot: standard output could not be written (${code})\n`);
  });
  process.on('exit', (code) => {
    if (hasFailed && code === EXIT.ok) process.exitCode = EXIT.refused;
  });
}

/** Makes the stream of a file emit the errors that Node 20 throws in a write, after which it would keep all further text in memory. */
function emitErrors(stream: NodeJS.WriteStream): void {
  const write = stream._write;
  stream._write = (chunk, encoding, done) => {
    try {
      write.call(stream, chunk, encoding, done);
    } catch (error) {
      done(error as Error);
    }
  };
}

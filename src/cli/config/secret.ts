import * as fs from 'node:fs';
import { codeWord } from '../../core/model/foreign-text.js';
import { type CommandException, usage } from '../exit.js';

/** A longer text is not a key. */
const MAX_BYTES = 1000;
const CONTROL_C = '\u0003';
const CONTROL_D = '\u0004';
const BACKSPACES = ['\b', '\u007f'];

/** How long to wait for input that is not there yet. */
const POLL_MS = 20;

const KEY_FILE = 'the file of NIKDEV_API_KEY_FILE';
const INPUT = 'standard input';

/** Reads the API key from a file, such as a container's secret. */
export function readKeyFile(path: string): string {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch (error) {
    throw unreadable(KEY_FILE, error);
  }
  try {
    const apiKey = readFrom(fd, KEY_FILE);
    if (apiKey === '') throw usage(`there is no API key in ${KEY_FILE}`);
    return apiKey;
  } finally {
    fs.closeSync(fd);
  }
}

const unreadable = (source: string, error: unknown): CommandException =>
  usage(`${source} can't be read (${codeWord(error) ?? 'unknown'})`);

/** Reads the API key from standard input that is not a terminal: its first line that is not blank. */
export const readKeyFromInput = (): string => readFrom(0, INPUT);

function readFrom(fd: number, source: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  let read: number;
  let text: string;
  do {
    read = readSome(fd, bytes, length, source);
    length += read;
    text = decode(bytes.subarray(0, length));
  } while (read > 0 && length <= MAX_BYTES && !hasLine(text));
  if (length > MAX_BYTES) throw usage(`the text from ${source} is too long for an API key`);
  return (text.trim().split('\n', 1)[0] ?? '').trim();
}

/** Whether a text has a line that is not blank, with its end. */
const hasLine = (text: string): boolean => text.trimStart().includes('\n');

/** UTF-8, or UTF-16 as PowerShell 5 writes it. A byte order mark counts as blank. */
const decode = (bytes: Buffer): string => bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8');

function readSome(fd: number, bytes: Buffer, offset: number, source: string): number {
  for (;;) {
    try {
      return fs.readSync(fd, bytes, offset, bytes.length - offset, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      // Another process has made the pipe non-blocking.
      if (code !== 'EAGAIN') throw unreadable(source, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
    }
  }
}

/** Asks for a text on the terminal. */
export async function ask(question: string, { isSecret }: { readonly isSecret: boolean }): Promise<string> {
  if (isSecret) return askSecret(question);
  const { createInterface } = await import('node:readline/promises');
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await asking.question(question)).trim();
  } finally {
    asking.close();
  }
}

/** Without echo: in raw mode the terminal shows nothing that is typed, from before the question on. */
async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stderr.write(question);
  try {
    return await typedLine(stdin);
  } finally {
    stdin.removeAllListeners('data');
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function typedLine(stdin: NodeJS.ReadStream): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const take = (chunk: string): void => {
      for (const character of chunk) {
        if (character === CONTROL_C || character === CONTROL_D) reject(usage('nothing was saved'));
        else if (character === '\r' || character === '\n') resolve(text.trim());
        else text = BACKSPACES.includes(character) ? text.slice(0, -1) : text + character;
      }
    };
    stdin.on('data', take).resume();
  });
}

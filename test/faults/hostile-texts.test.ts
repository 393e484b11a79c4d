import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SENTINEL_KEY as KEY } from '../support/assertions/sentinel.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const PROGRAM = fileURLToPath(new URL('../support/processes/hostile-texts.mjs', import.meta.url));

/** All that acts on a terminal, on a log's lines, or on the direction of text, but for the line breaks of the program itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what is looked for.
const HARMFUL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

const WORDS = [
  '\u001b[31mWORDS\u001b]0;owned\u0007\u001b[2J\r\nINFO all is well',
  '\u009b2J\u0085\u2028\u2029\u202egnp.exe\u202c\u2066x\u2069\u200b\ufeff\u200f\u061c\b\u007f',
].join(' ');

/** All bytes that a program prints, on both streams, whose server, fetch, storage and schema have such words. */
async function printedFor(words: string): Promise<string> {
  const { baseUrl } = await loopbackServer((request, response) => {
    response.setHeader('retry-after', Buffer.from('\u009b2J 5').toString('latin1'));
    if (request.method === 'GET') return json(response, 401, { message: words });
    const refused = request.body.includes('"bad"') || !request.body.includes('"value"');
    return json(response, refused ? 400 : 200, { message: words });
  });
  const child = spawn(process.execPath, [PROGRAM, baseUrl, KEY, Buffer.from(words).toString('base64')]);
  const [out, error] = await Promise.all([buffer(child.stdout), buffer(child.stderr)]);
  // As a terminal takes them: broken UTF-8 would show.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return decoder.decode(out) + decoder.decode(error);
}

const digitsOf = (text: string): string =>
  decodeURIComponent(text.replace(/%(?![\da-f]{2})/gi, '%25'))
    .toLowerCase()
    .replace(/[^\da-f\n]/g, '');

describe('a program that prints all it gets', () => {
  test('F57 writes nothing to its terminal that acts on it, whatever a server, a fetch, a storage or a schema says', async () => {
    const printed = await printedFor(WORDS);
    expect(HARMFUL.exec(printed)).toBeNull();
    // The log has no line that the server began.
    expect(printed).not.toMatch(/^INFO/m);
    // All of them did say it: the quarantine, the refused read, the failed fetch, the storage, the warning, the schema.
    for (const place of [
      /Bad request: WORDS/,
      /Bad luck: .*fetch threw TypeError: WORDS/,
      /could not be saved: WORDS/,
      /reason: 'WORDS/,
      /refused by its schema: WORDS/,
      /code: 'entries-waiting',\n? *message: 'WORDS/,
      /baseUrl must be .* got "\\u001b/,
    ])
      expect(printed).toMatch(place);
  });

  test.each([
    ['as it is', KEY],
    ['in capitals', KEY.toUpperCase()],
    ['without dashes', KEY.replaceAll('-', '')],
    ['percent-encoded', KEY.replace(/[a-f]/g, (digit) => `%${digit.charCodeAt(0).toString(16)}`)],
    ['cut', KEY.slice(0, 20)],
    ['divided by what is taken out', [...KEY].join('\u202e')],
  ])('F34 writes nothing of a key that is in those words %s', async (_name, echo) => {
    const printed = await printedFor(`WORDS ${echo} ${'x'.repeat(50)}`);
    const digits = KEY.replaceAll('-', '');
    const leaks = printed.split('\n').filter((line) => {
      const ofLine = digitsOf(line);
      return Array.from({ length: 21 }, (_, at) => digits.slice(at, at + 12)).some((part) => ofLine.includes(part));
    });
    expect(leaks).toEqual([]);
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The beginning of a sentence: after a sign, at the start of a line, or after a tag of a doc comment. */
const PRONOUN = /(?:^|[^\w\s]|@\w+)[ \t]*(What|Who|Whoever|Whatever|Whose|Which|Why)\s(?!\s*[|=])/gm;
/** The end of a sentence in a page: its sign, the end of its text or an empty line. */
const PAGE_END = /[.!?](?=[\s"'`)*_<|]|$)|["'`][,;)\]]|\n\s*\n/;
/** The end of a sentence in code: as in a page, but a comment goes on only in a line that begins with its sign. */
const CODE_END = new RegExp(`${PAGE_END.source}|\\*/|\\n(?!\\s*(?://|\\*|#))`);

const endIn = (file: string): RegExp => (/\.(?:md|txt|html)$/.test(file) ? PAGE_END : CODE_END);

/** The lines of sentences that begin with a clause in place of a noun; questions don't. */
function clausesIn(text: string, sentenceEnd: RegExp): number[] {
  const lines: number[] = [];
  for (const match of text.matchAll(PRONOUN)) {
    const end = match.index + match[0].length;
    const [sign] = sentenceEnd.exec(text.slice(end, end + 1000)) ?? [];
    if (sign !== '?') lines.push(text.slice(0, end - 1).split('\n').length);
  }
  return lines;
}

/** Words and phrases that read as translated. */
const FORBIDDEN =
  /\b(?:by +itself|told|mend(?:s|ed)?|some +day|(?<!\bthere +)is +no +(?:part|value|good|argument)|not +as +it +should)\b/gi;
const COMMENT = /\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(?<!:)\/\/.*|#.*/g;
/** A line break, and the sign of a comment or quotation at the start of the next line. */
const BREAK = /\n[ \t]*(?:\/\/+|\*(?!\/)|[#>])?/g;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** All of a page, an example or a file of the command, only the comments of another file; the rest is blank. */
function proseOf(file: string, text: string): string {
  if (/\.(?:md|txt)$|^examples\/|^src\/cli\//.test(file)) return text;
  const comments = [...text.matchAll(COMMENT)];
  const gaps = comments.map(({ index }, at) => {
    const before = comments[at - 1];
    return blank(text.slice(before ? before.index + before[0].length : 0, index));
  });
  return comments.map(([comment], at) => `${gaps[at]}${comment}`).join('');
}

/** The lines with forbidden words. Wrapped lines are joined. */
function forbiddenIn(file: string, text: string): number[] {
  const joined = proseOf(file, text).replace(BREAK, (gap) => ' '.repeat(gap.length));
  return [...joined.matchAll(FORBIDDEN)].map(({ index }) => text.slice(0, index).split('\n').length);
}

/** The text files under version control, without lists of dependencies. */
function textFiles(): string[] {
  const listed = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  const isText = (file: string): boolean => !/(?:^|\/)package-lock\.json$|^docs\/api\/|\.(?:png|ico|woff2)$/.test(file);
  return listed.split('\0').filter((file) => file !== '' && isText(file) && existsSync(root + file));
}

test('no comment, message, page or title begins a sentence with a clause in place of a noun', () => {
  const files = textFiles();
  expect(files.length).toBeGreaterThan(900);
  const found = files.flatMap((file) =>
    clausesIn(readFileSync(root + file, 'utf8'), endIn(file)).map((line) => `${file}:${line}`),
  );
  expect(found).toEqual([]);
});

test('no page, comment, example or text of the command has words that read as translated', () => {
  const found = textFiles().flatMap((file) =>
    forbiddenIn(file, readFileSync(root + file, 'utf8')).map((line) => `${file}:${line}`),
  );
  expect(found).toEqual([]);
});

test.each([
  ['a.md', 'It goes there by\nitself.'],
  ['a.md', '> A key is no\n> argument.'],
  ['src/a.ts', 'const a = 1;\n/**\n * It is not as\n * it should be.\n */'],
  ['src/a.ts', 'const a = 1; // some\n// day\nconst b = 2;'],
  ['src/a.sh', 'a\n# It is %s.'],
  ['src/cli/a.ts', "const text = 'It is %s.';"],
  ['examples/a.mjs', 'const %s = 1;'],
])('in %s, a forbidden word is found in %j', (file, text) => {
  expect(forbiddenIn(file, text.replace('%s', ['to', 'ld'].join('')))).toHaveLength(1);
});

test.each([
  ['src/a.ts', 'const %s = [];'],
  ['src/a.ts', '/** 0 if there is no value. */'],
  ['src/a.ts', "const url = 'https://example.org'; %s();"],
])('in %s, no forbidden word is found in %j', (file, text) => {
  expect(forbiddenIn(file, text.replace('%s', ['to', 'ld'].join('')))).toEqual([]);
});

test.each([
  ['a.ts', '/** %s an answer means, by the words of the protocol. */'],
  ['a.ts', '// %s was pushed comes back as a reading.\nconst a = b ? 1 : 2;'],
  ['a.ts', ' * The rows. %s they come to is added.'],
  ['a.ts', '/** Runs a script. @returns %s it printed. */'],
  ['a.ts', ' * @param handle - %s its server answers.'],
  ['a.ts', "const none = 'Kept: %s is committed ends with this page.';"],
  ['a.md', '## %s goes first\n\nIs it so?'],
  ['a.md', '`a`. **%s is committed** is kept.'],
])('in %s, the clause is found in %j', (file, text) => {
  for (const word of ['What', 'Whoever']) expect(clausesIn(text.replace('%s', word), endIn(file))).toEqual([1]);
});

test.each([
  ['a.ts', '/** Is it a name? %s says so? */'],
  ['a.ts', '// %s is left, after\n// all of this?\nconst a = 1;'],
  ['a.ts', 'interface %s { readonly a: number }'],
  ['a.md', '**%s to do?** Push again later.'],
  ['a.md', '| %s | does |'],
])('in %s, a question or a word is no clause: %j', (file, text) => {
  expect(clausesIn(text.replace('%s', 'What'), endIn(file))).toEqual([]);
});

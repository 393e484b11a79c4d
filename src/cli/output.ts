import { cleanText } from '../core/model/foreign-text.js';

/** How a line looks on a terminal. */
export type Style = 'good' | 'bad' | 'warn' | 'faint' | 'strong';

const CODES: Readonly<Record<Style, number>> = { good: 32, bad: 31, warn: 33, faint: 2, strong: 1 };

/** Characters that JSON leaves as they are, and that act on a terminal, a log, or the direction of the text around them. */
const UNPRINTABLE = /[\u007f-\u009f\p{Cf}\p{DI}\p{Zl}\p{Zp}]/gu;

/** JSON without a character that acts on a terminal. */
const printableJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'number' && !Number.isFinite(member) ? String(member) : member,
  ).replace(UNPRINTABLE, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

type Sink = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

/** A stream of a call. */
export class Printer {
  readonly #stream: Sink;
  readonly #hasColor: boolean;

  constructor(stream: Sink, env: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.#hasColor = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    // A terminal of unknown size says 0.
    return this.#stream.columns || 80;
  }

  /** Runs before each line: a line of progress makes way. */
  beforeLine: () => void = () => {};

  /** Writes a line; of `text`, only what a terminal shows. */
  line(text: string, style?: Style): void {
    this.beforeLine();
    this.#stream.write(`${this.paint(cleanText(text), style)}\n`);
  }

  /** Writes lines in columns. */
  table(rows: readonly (readonly string[])[], styleOf: (row: number) => Style | undefined = () => undefined): void {
    const cells = rows.map((row) => row.map(cleanText));
    const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    cells.forEach((row, index) => {
      const text = row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ');
      this.#stream.write(`${this.paint(text, styleOf(index))}\n`);
    });
  }

  json(value: unknown): void {
    this.#stream.write(`${printableJson(value)}\n`);
  }

  /** Text that this command made itself, as it is. */
  raw(text: string): void {
    this.#stream.write(text);
  }

  paint(text: string, style: Style | undefined): string {
    return this.#hasColor && style !== undefined ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  }
}

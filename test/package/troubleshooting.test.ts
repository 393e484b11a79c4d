import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { readPage } from '../support/package/markdown.js';

const source = fileURLToPath(new URL('../../src/', import.meta.url));
const page = readPage('docs/troubleshooting.md');
const [, byMessage = ''] = page.split('## By message');
const [aboutExceptions = '', aboutWarnings = ''] = byMessage.split('## Warnings');

/** The messages in the first column of the page's tables, with … for each part that differs. */
function shown(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`.*?`) \|/gm)].map(([, cell = '']) => cell);
  const messages = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));
  return messages.filter((message) => message !== '<reason>' && message !== 'status').map(withGaps);
}

const withGaps = (message: string): string => message.replace(/<[^>]*>/g, '…').replace(/…+/g, '…');

/** Every text that an expression may make, with … for what is not written there. */
function textsOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return textsOf(node.left).flatMap((left) => textsOf(node.right).map((right) => left + right));
  if (!ts.isTemplateExpression(node)) return ['…'];
  return [node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')];
}

/** The expression of an exception's message, where one is made. */
function messageAt(node: ts.Node): ts.Expression | undefined {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined;
  const makes = /(?:Exception|\bbadLuck|\bfull|#refuse)$/.test(node.expression.getText());
  return makes ? node.arguments?.[0] : undefined;
}

/** The messages in the source. */
interface Texts {
  /** Messages of exceptions. */
  readonly messages: Set<string>;
  /** All texts, those too of which messages are put together elsewhere. */
  readonly all: Set<string>;
}

function readTexts(): Texts {
  const texts: Texts = { messages: new Set(), all: new Set() };
  const visit = (node: ts.Node, isVerdict: boolean, isNoAnswer: boolean): void => {
    const isReason = isNoAnswer || (ts.isFunctionDeclaration(node) && node.name?.text === 'noAnswer');
    const add = (expression: ts.Expression, isMessage: boolean): void => {
      for (const text of textsOf(expression)) {
        const isWhole = /^Bad (?:luck|request): /.test(text);
        const whole = withGaps(isVerdict && !isWhole ? `Bad luck: ${text}.` : text);
        texts.all.add(whole);
        if (isMessage || isWhole) texts.messages.add(whole);
      }
    };
    const message = messageAt(node);
    if (message !== undefined) add(message, true);
    if (ts.isReturnStatement(node) && node.expression !== undefined && isReason) add(node.expression, true);
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || ts.isBinaryExpression(node)) add(node, false);
    ts.forEachChild(node, (child) => visit(child, isVerdict, isReason));
  };
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    // The command shows its messages with advice; they are not the library's.
    if (path.startsWith('cli')) continue;
    if (!path.endsWith('.ts') || path.startsWith('emulator')) continue;
    const file = ts.createSourceFile(path, readFileSync(source + path, 'utf8'), ts.ScriptTarget.ES2022, true);
    visit(file, path.endsWith('verdict.ts'), false);
  }
  // Messages that hold only a foreign text have no row.
  for (const text of ['…', 'Bad luck: ….']) texts.messages.delete(text);
  return texts;
}

describe('troubleshooting', () => {
  const { messages, all } = readTexts();

  test('has every message of an exception', () => {
    expect(messages.size).toBeGreaterThanOrEqual(40);
    expect([...messages].filter((message) => !shown(aboutExceptions).includes(message))).toEqual([]);
  });

  test('has no message that there is not', () => {
    expect(shown(aboutExceptions).length).toBeGreaterThanOrEqual(40);
    expect(shown(aboutExceptions).filter((message) => !all.has(message))).toEqual([]);
  });

  test('has every warning, by its code', () => {
    const [, union = ''] = /readonly code:([^;]+);/.exec(readFileSync(`${source}core/model/events.ts`, 'utf8')) ?? [];
    const codes = [...union.matchAll(/'([\w-]+)'/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThanOrEqual(9);
    expect(new Set(shown(aboutWarnings).filter((code) => code !== 'code'))).toEqual(new Set(codes));
  });
});

import { describe, test } from 'vitest';
import type { FetchInit } from '../../src/index.js';
import chosen from '../conformance/reference-client.json';
import random from '../conformance/reference-client-random.json';
import { type Case, replay } from '../conformance/replay.js';

const recordings = [...chosen, ...random] as unknown as Case[];

export function conformanceSuite(): void {
  describe('sends what the reference client sends', () => {
    test.each(recordings.map((recorded) => [recorded.name, recorded] as const))('%s', (_name, recorded) =>
      replay(recorded, async (answerTo) => ({
        fetch: async (url: string, { method, headers, body = '' }: FetchInit) => {
          const { status, json, text } = answerTo({
            method,
            path: new URL(url).pathname,
            headers: { ...headers },
            body: String(body),
          });
          const type = text === undefined ? 'application/json' : 'text/plain';
          return new Response(text ?? JSON.stringify(json), { status, headers: { 'content-type': type } });
        },
      })),
    );
  });
}

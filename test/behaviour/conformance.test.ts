import { readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { type Case, replay } from '../conformance/replay.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const load = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../conformance/${file}`, import.meta.url), 'utf8')) as Case[];

describe.each(['reference-client.json', 'reference-client-random.json'])(
  'sends what the reference client sends (%s)',
  (file) => {
    test.each(load(file).map((recorded) => [recorded.name, recorded] as const))('%s', (_name, recorded) =>
      replay(recorded, async (answerTo) => {
        const { baseUrl } = await loopbackServer((request, response) => {
          const answer = answerTo(request);
          if (answer.text === undefined) json(response, answer.status, answer.json);
          else response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.text);
        });
        return { baseUrl };
      }),
    );
  },
);

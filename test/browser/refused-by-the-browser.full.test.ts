import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { openTab, servePages, tryToPush } from '../support/browsers/pages.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { oneDevice, serveEmulator } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const commitOne = (): void => {
  window.api.addValue('temperature', 21.5);
  window.api.commit();
};

describeInChromium('an answer that a browser handles', (newContext) => {
  test.each([301, 302, 303, 307, 308])('F7: a redirect (%i) is bad luck, kept, and not followed', async (status) => {
    const reached: string[] = [];
    const target = await serveOnLoopback(({ method }) => {
      reached.push(method);
      return new Response('{}', {
        headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' },
      });
    });
    const { emulator, options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);
    await page.evaluate(commitOne);

    emulator.script({ status, headers: { Location: target } });
    const { exception, committed } = await tryToPush(page);
    expect(exception?.message).toMatch(/^Bad luck: .*redirect/);
    expect(exception?.retainedData).toBe(true);
    expect(committed).toBe(1);
    expect((await tryToPush(page)).result?.pushed).toBe(1);
    expect(emulator.entries(DEVICE_ID)).toHaveLength(1);
    expect(reached).toEqual([]);

    // The page could have got there.
    await page.evaluate((url) => fetch(url), target);
    expect(reached).toEqual(['GET']);
  });

  test.each([
    ['an answer without CORS headers', 'POST', (answer: Response) => without(answer, 'Access-Control-Allow-Origin')],
    [
      'a preflight without the headers allowed',
      'OPTIONS',
      (answer: Response) => without(answer, 'Access-Control-Allow-Headers'),
    ],
    ['a refused preflight', 'OPTIONS', () => new Response(null, { status: 403 })],
  ])('F16: %s is bad luck that names CORS, and kept', async (_, spoiltMethod, spoil) => {
    const emulator = oneDevice();
    let broken = true;
    const url = await serveOnLoopback(async (request) => {
      const answer = (await emulator.fetch(request)) as Response;
      return broken && request.method === spoiltMethod ? spoil(answer) : answer;
    });
    const page = await openTab(await newContext(), await servePages(), { ...credentials, baseUrl: `${url}api/v1/` });
    await page.evaluate(commitOne);

    const { exception, committed } = await tryToPush(page);
    expect(exception?.message).toMatch(/^Bad luck: .*CORS/);
    expect(exception?.message).not.toContain(API_KEY);
    expect(exception?.retainedData).toBe(true);
    expect(committed).toBe(1);

    broken = false;
    expect(await tryToPush(page)).toMatchObject({ result: { pushed: 1 }, committed: 0 });
    // An answer that the page may not see was an answer anyway: that entry was stored twice.
    expect(emulator.entries(DEVICE_ID)).toHaveLength(spoiltMethod === 'POST' ? 2 : 1);
  });

  test('shows Retry-After to a page of another origin', async () => {
    const { emulator, options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);
    await page.evaluate(commitOne);
    emulator.script({ status: 503, headers: { 'Retry-After': '7' } });
    expect((await tryToPush(page)).exception).toMatchObject({ status: 503, retryAfter: 7 });
  });
});

function without(answer: Response, header: string): Response {
  const headers = new Headers(answer.headers);
  headers.delete(header);
  return new Response(answer.body, { status: answer.status, headers });
}

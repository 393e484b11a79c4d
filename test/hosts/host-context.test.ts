import { expect, onTestFinished, test } from 'vitest';
import { openApi } from '../support/builders/api.js';

interface Journey {
  readonly env: { readonly SERVER: string; readonly VALUE: string };
  arrives(said: string): void;
}

interface HostContext {
  run(args: readonly string[]): Promise<string>;
  journey(): Promise<Journey>;
  unfinished(): string | undefined;
  end(): Promise<void>;
}

const { hostContext } = (await import(new URL('host-context.mjs', import.meta.url).href)) as {
  hostContext(config: object): HostContext;
};

function setUp(): HostContext {
  const context = hostContext({ host: {}, folder: '.', runtimes: '' });
  onTestFinished(() => context.end());
  return context;
}

test('a check that followed no reading, or not to its end, has failed', async () => {
  const context = setUp();
  expect(context.unfinished()).toBe('no reading went the whole way');
  await context.journey();
  expect(context.unfinished()).toBe('no reading went the whole way');
});

test('a reading has arrived once it is stored, read and shown', async () => {
  const context = setUp();
  const journey = await context.journey();
  const { SERVER: baseUrl, VALUE } = journey.env;
  const line = `read back ${VALUE}`;
  expect(() => journey.arrives('read back nothing')).toThrow(`it did not print "${line}"`);
  expect(() => journey.arrives(line)).toThrow(`the server stores [], not ${VALUE}`);
  const api = openApi({ baseUrl });
  api.addValue('temperature', Number(VALUE));
  await api.commitAndPush();
  expect(() => journey.arrives(line)).toThrow('nobody read the value: ');
  await api.get('temperature');
  journey.arrives(line);
  expect(context.unfinished()).toBeUndefined();
});

test('a program that fails has failed with its output', async () => {
  const script = 'console.log("a last line"); process.exitCode = 3';
  await expect(setUp().run(['-e', script])).rejects.toThrow(/ended with 3:\na last line/);
});

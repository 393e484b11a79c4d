import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// Node loads its fetch when it is first looked at, which takes longer than all else that an import does; node:http takes as long
// as the rest of the package.
test.each([
  ['ESM', '--input-type=module', "await import('nikdev-iot'); await import('nikdev-iot/node');"],
  ['CJS', '--input-type=commonjs', "require('nikdev-iot'); require('nikdev-iot/node');"],
])('loading the package as %s does not load what a request needs', (_format, type, load) => {
  const loaded = (rest: string): string[] => {
    const script = `${load} ${rest}; console.log(JSON.stringify(process.moduleLoadList));`;
    const output = execFileSync(process.execPath, [type, '-e', script], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
    });
    return (JSON.parse(output.toString()) as string[]).filter((name) => /undici|_http_client/.test(name));
  };
  expect(loaded('')).toEqual([]);
  expect(loaded('globalThis.Request')).not.toEqual([]);
});

import { expect, test } from 'vitest';
import { ConfigException } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';

test.each([[undefined], [''], [null], [5]])('fileStorage refuses %o as its folder', (folder) => {
  expect(() => fileStorage(folder as string)).toThrow(/directory must be the path of a folder, got/);
});

test.each([{ durability: 'proces' }, { durabillity: 'power' }, null, 'power'])(
  'fileStorage refuses %o as its options',
  (options) => {
    expect(() => fileStorage('/nowhere', options as never)).toThrow(ConfigException);
  },
);

test.each([0o644 + 0.5, 0o400, 0o700, 0o4600, -1, 2 ** 32 + 0o600, '600', null])(
  'fileStorage refuses %o as the option mode, by its name',
  (mode) => {
    expect(() => fileStorage('/nowhere', { mode } as never)).toThrow(
      /^mode must be the permissions of a file, from 0o600 to 0o666, got/,
    );
  },
);

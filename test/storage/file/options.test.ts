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

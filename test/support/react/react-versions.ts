import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComponentType } from 'react';
import { rolldown } from 'rolldown';
import { afterAll } from 'vitest';

// Not from the URL of this module, which is one of http where a test has a page.
const root = `${process.cwd()}/`;

/** The hooks, with the React that they were bundled with. */
export interface HooksUnderTest {
  readonly React: typeof import('react') & { readonly Activity?: ComponentType<{ mode: string; children?: unknown }> };
  readonly client: typeof import('react-dom/client');
  readonly server: typeof import('react-dom/server');
  readonly hooks: typeof import('../../../src/react.js');
}

/** Where the packages `react` and `react-dom` of each version are. */
export const REACT_VERSIONS = [
  { version: '18', folder: `${root}test/react/react-18/node_modules` },
  { version: '19', folder: `${root}node_modules` },
] as const;

const ENTRY = `
import * as React from 'react';
import * as client from 'react-dom/client';
import * as server from 'react-dom/server.node';
import * as hooks from 'nikdev-iot/react';
export { React, client, server, hooks };`;

/** Bundles the hooks with one version of React, as an application does, and loads the bundle. */
export async function loadHooks(folder: string): Promise<HooksUnderTest> {
  const output = mkdtempSync(join(tmpdir(), 'nikdev-iot-react-'));
  afterAll(() => rmSync(output, { recursive: true }));
  const entry = join(output, 'entry.js');
  writeFileSync(entry, ENTRY);
  const alias = {
    'nikdev-iot/react': `${root}src/react.ts`,
    react: `${folder}/react`,
    'react-dom': `${folder}/react-dom`,
  };
  const bundle = await rolldown({ input: entry, platform: 'node', resolve: { alias }, logLevel: 'silent' });
  await bundle.write({ file: join(output, 'bundle.cjs'), format: 'cjs' });
  return createRequire(entry)('./bundle.cjs') as HooksUnderTest;
}

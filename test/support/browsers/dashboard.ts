import type { Emulator } from '../../../src/emulator.js';

import type { PageOptions } from '../builders/credentials.js';
import { serveEmulator } from '../servers/emulator.js';
import { serveOnLoopback } from '../servers/serve-on-loopback.js';

/** A field as the dashboard's config has it. */
export interface DashboardField {
  readonly id: string;
  readonly label: string;
  readonly unit?: string;
  readonly input?: 'number' | 'text' | 'boolean';
}

/** The contents of `config.js`. */
export interface DashboardConfig extends Pick<PageOptions, 'deviceId' | 'apiKey' | 'baseUrl'> {
  readonly name?: string;
  readonly everySeconds?: number;
  readonly history?: string;
  readonly demo?: string;
  readonly fields: readonly DashboardField[];
}

type ServeDashboard = (config: DashboardConfig) => (request: Request) => Promise<Response>;

/** Serves the example's own files on an origin of their own, with `config` in the place of its config. @returns Its URL. */
export async function serveDashboard(config: DashboardConfig): Promise<string> {
  const file = new URL('../../../examples/demo/dashboard-files.mjs', import.meta.url);
  const module = (await import(file.href)) as { serveDashboard: ServeDashboard };
  return serveOnLoopback(module.serveDashboard(config));
}

export const ROOM = { id: 'room', label: 'Room temperature', unit: '°C', input: 'number' } as const;
export const NOTE = { id: 'note', label: 'Note', input: 'text' } as const;
export const HEATING = { id: 'heating', label: 'Heating', input: 'boolean' } as const;

/** A dashboard that writes and reads `fields`, and its server. */
export async function startDashboard(
  fields: readonly DashboardField[] = [ROOM, NOTE, HEATING],
  config: Partial<DashboardConfig> = {},
): Promise<{ url: string; emulator: Emulator; options: PageOptions }> {
  const { emulator, options } = await serveEmulator();
  return { emulator, options, url: await serveDashboard({ ...options, everySeconds: 1, fields, ...config }) };
}

/** Words of the library for its developer, which nobody who only looks at the page should read. */
export const DEVELOPERS_WORDS =
  /setApiKey|CORS|\bApi\b|status\(\)|maxQueued|maxLength|baseUrl|restore\(\)|webStorage|dropQuarantined/;

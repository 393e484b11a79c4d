import { onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { type CommandProcess, start } from './command.js';

/** A process of `nikdev-iot emulator`. */
export interface RunningEmulator {
  /** The address of its page. */
  readonly url: string;
  /** Variables with which the command uses it. */
  readonly env: Record<'NIKDEV_URL' | 'NIKDEV_DEVICE_ID' | 'NIKDEV_API_KEY', string>;
  readonly process: CommandProcess;
}

/** Starts the built command as an emulator on any port, with `--json`. It ends with the test. */
export async function startEmulator(...args: string[]): Promise<RunningEmulator> {
  const process = start(temporaryFolder(), ['emulator', '--port', '0', '--json', ...args]);
  onTestFinished(async () => {
    process.kill('SIGKILL');
    await process.ended;
  });
  const { url, baseUrl, devices } = await vi.waitFor(
    () => {
      const [first = ''] = process.written.stdout.split('\n');
      return JSON.parse(first) as { url: string; baseUrl: string; devices: [{ deviceId: string; apiKey: string }] };
    },
    { timeout: 20_000 },
  );
  const [{ deviceId, apiKey }] = devices;
  return { url, env: { NIKDEV_URL: baseUrl, NIKDEV_DEVICE_ID: deviceId, NIKDEV_API_KEY: apiKey }, process };
}

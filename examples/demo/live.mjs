import { DeviceProcess } from './device-process.mjs';

/**
 * Runs the device, and passes on what it prints.
 *
 * @param {Awaited<ReturnType<typeof import('./server.mjs').startServer>>} server
 * @param {AbortSignal} signal - Stops the device.
 * @returns {Promise<boolean>} Once it has ended: whether it was stopped, and did not fail.
 */
export function runLive({ control, outage, deviceEnvironment }, signal) {
  const device = new DeviceProcess({ env: deviceEnvironment, onReport: (report) => control.onReport(report) });
  control.join(device, outage);
  return device.run(signal);
}

/**
 * A NikDev IoT server in memory, for tests and demos.
 *
 * @module nikdev-iot/emulator
 */

export type { ReceivedEntry } from './emulator/device.js';
export { createEmulator, type Emulator } from './emulator/emulator.js';
export type { CutFault, DelayFault, Fault, HangFault, StatusFault } from './emulator/fault.js';
export type { EmulatedDevice, EmulatedKey, EmulatorOptions } from './emulator/options.js';
export type { EmulatedInit, PlatformRequest, PlatformResponse } from './emulator/platform.js';
export type { AnsweredRequest, ReceivedRequest, StoredUpload } from './emulator/request-log.js';

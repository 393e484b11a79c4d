import type { FieldValue } from '../core/model/value.js';
import type { Upload } from './upload-schema.js';

/** The rights of an API key. */
export interface KeyRights {
  readonly read: boolean;
  readonly write: boolean;
}

/** The value of a field with the latest time. */
export interface Latest {
  readonly value: FieldValue;
  /** Whole Unix seconds, by the server's clock. */
  readonly timestamp: number;
}

/** Port of the routes: stores the uploads of one device, and returns its last values. */
export interface DeviceStore {
  /** @returns The rights of an API key; `undefined` if the device does not have this key. */
  rightsOf(key: string): KeyRights | undefined;
  /**
   * Stores an upload. An entry whose `id` was stored before is ignored.
   *
   * @param serverNow - The server's clock, in whole Unix seconds.
   */
  store(upload: Upload, serverNow: number): void;
  /** @returns `undefined` for a field without a value. */
  latest(fieldId: string): Latest | undefined;
}

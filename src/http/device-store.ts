import type { FieldValue } from '../core/model/value.js';
import type { Upload } from './upload-schema.js';

/** The rights of an API key. */
export interface KeyRights {
  readonly read: boolean;
  readonly write: boolean;
}

/** A field's value with the highest time. */
export interface Latest {
  readonly value: FieldValue;
  /** Whole Unix seconds, by the server's clock. */
  readonly timestamp: number;
}

/** Port of the routes: where one device's uploads go, and its last values come from. */
export interface DeviceStore {
  /** The rights of a key; `undefined` if the device has no such key. */
  rightsOf(key: string): KeyRights | undefined;
  /** @param serverNow - The server's clock, in whole Unix seconds. */
  store(upload: Upload, serverNow: number): void;
  /** `undefined` for a field that was never written. */
  latest(fieldId: string): Latest | undefined;
}

import type { HttpResponse } from './message.js';
import type { Upload } from './upload-schema.js';

/** The rights of an API key. */
export interface KeyRights {
  readonly read: boolean;
  readonly write: boolean;
}

/** The credentials of a request, both of the form of a UUID. */
export interface Credentials {
  /** In lower case. */
  readonly deviceId: string;
  /** As it was sent. */
  readonly apiKey: string;
}

/** A valid upload, parsed and as it came. */
export interface ReceivedUpload {
  readonly upload: Upload;
  /** The body, inflated. */
  readonly text: string;
  /** The bytes of the text; absent if it came as a text. */
  readonly bytes?: Uint8Array | undefined;
  /** The header `x-entry-ids`; absent if the entries have no names. */
  readonly entryIds: string | undefined;
}

/** The result of a check of credentials: the device, or the response that refuses them. */
export type Access = { readonly device: DeviceAccess } | { readonly rejection: HttpResponse };

/** Port of the routes: the devices of a server, in memory or elsewhere. */
export interface Store {
  /** Called as soon as the head of a request has arrived, before its body is read. */
  authorize(credentials: Credentials, right: keyof KeyRights): Access | PromiseLike<Access>;
}

/** A device, for one request with the right that was asked for. */
export interface DeviceAccess {
  /** Stores an upload. @returns The response: a success only if the upload is stored. */
  append(upload: ReceivedUpload): HttpResponse | PromiseLike<HttpResponse>;
  /** Reads the latest values of fields. */
  read(fieldIds: readonly string[]): HttpResponse | PromiseLike<HttpResponse>;
}

import { ENTRY_IDS } from '../core/model/entry-ids.js';
import { type ReadBody, readBody } from './body.js';
import { authorize } from './credentials.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';
import type { DeviceAccess, Store } from './store.js';
import { readUpload } from './upload-schema.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';
/** More ids than fit into a URL of a common client. */
const MAX_FIELD_IDS = 1000;

/** A request that was validated, but not executed yet. */
export interface Exchange {
  /** The number of entries in the body, valid or not; absent if the body was not read or has no list of entries. */
  readonly entryCount?: number | undefined;
  /** Executes the request: stores an upload, or reads values. */
  answer(): HttpResponse | PromiseLike<HttpResponse>;
}

/** Validates a request. */
export type Routes = (request: HttpRequest) => Promise<Exchange>;

/**
 * The two routes of the server. The checks run in the order of their cost: path and method, format of the ids, credentials, size
 * of the body, JSON, schema. A client without a key can't make the server read a body.
 *
 * @param maxBodyBytes - The maximum size of a body in bytes.
 */
export function createRoutes(store: Store, maxBodyBytes: number): Routes {
  return async (request) => {
    if (request.path === ENTRIES) {
      if (request.method !== 'POST') return refuseMethod('POST');
      const access = await authorize(store, request, 'write');
      if ('rejection' in access) return refuse(access.rejection);
      const body = await readBody(request, maxBodyBytes);
      return 'rejection' in body ? refuse(body.rejection) : receiveEntries(access.device, body, request);
    }
    const ids = request.path.startsWith(VALUES) ? request.path.slice(VALUES.length) : '';
    if (ids === '' || ids.includes('/')) return refuse(json(404, { message: 'There is nothing at this path' }));
    if (request.method !== 'GET') return refuseMethod('GET');
    const access = await authorize(store, request, 'read');
    return 'device' in access ? { answer: () => sendValues(access.device, ids) } : refuse(access.rejection);
  };
}

function receiveEntries(device: DeviceAccess, { text, bytes }: ReadBody, { header }: HttpRequest): Exchange {
  const entryIds = header(ENTRY_IDS);
  const { upload, fault, entryCount } = readUpload(text, entryIds);
  const answer = () =>
    upload ? device.append({ upload, text, bytes, entryIds }) : json(fault.status, { message: fault.message });
  return { entryCount, answer };
}

function sendValues(device: DeviceAccess, ids: string): HttpResponse | PromiseLike<HttpResponse> {
  const fieldIds = ids.split(',', MAX_FIELD_IDS + 1).map(decode);
  if (fieldIds.length > MAX_FIELD_IDS) return json(400, { message: `At most ${MAX_FIELD_IDS} fields at once` });
  const wrong = fieldIds.findIndex((fieldId) => !fieldId);
  if (wrong >= 0) return json(400, { message: `field id [${wrong}] is empty or not percent-encoded` });
  return device.read(fieldIds as string[]);
}

/** @returns `undefined` if an escape is malformed. */
function decode(fieldId: string): string | undefined {
  try {
    return decodeURIComponent(fieldId);
  } catch {
    return undefined;
  }
}

const refuse = (rejection: HttpResponse): Exchange => ({ answer: () => rejection });

const refuseMethod = (allowed: string): Exchange =>
  refuse(json(405, { message: `Only ${allowed} is allowed here` }, { allow: allowed }));

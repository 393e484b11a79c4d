import { ENTRY_IDS } from '../core/model/entry-ids.js';
import { readBody } from './body.js';
import { authorize } from './credentials.js';
import type { DeviceStore } from './device-store.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';
import { readUpload, type UploadAttempt } from './upload-schema.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';
/** More ids than fit into a URL of a common client. */
const MAX_FIELD_IDS = 1000;

/** A request that was validated, but not executed yet. */
export interface Exchange {
  /** The number of entries in the body, valid or not; absent if the body was not read or has no list of entries. */
  readonly entryCount?: number | undefined;
  /** Executes the request: stores an upload, or reads values. */
  answer(): HttpResponse;
}

/** Validates a request. */
export type Routes = (request: HttpRequest) => Promise<Exchange>;

/**
 * The two routes of the server. The checks run in the order of their cost: path and method, format of the ids, credentials, size
 * of the body, JSON, schema. A client without a key can't make the server read a body.
 *
 * @param devices - The devices by Device ID in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 * @param maxBodyBytes - The maximum size of a body in bytes.
 */
export function createRoutes(
  devices: ReadonlyMap<string, DeviceStore>,
  now: () => number,
  maxBodyBytes: number,
): Routes {
  return async (request) => {
    if (request.path === ENTRIES) {
      if (request.method !== 'POST') return refuseMethod('POST');
      const access = authorize(devices, request, 'write');
      if ('rejection' in access) return refuse(access.rejection);
      const body = await readBody(request, maxBodyBytes);
      if ('rejection' in body) return refuse(body.rejection);
      return receiveEntries(access.device, readUpload(body.text, request.header(ENTRY_IDS)), now);
    }
    const ids = request.path.startsWith(VALUES) ? request.path.slice(VALUES.length) : '';
    if (ids === '' || ids.includes('/')) return refuse(json(404, { message: 'There is nothing at this path' }));
    if (request.method !== 'GET') return refuseMethod('GET');
    const access = authorize(devices, request, 'read');
    return 'device' in access ? { answer: () => sendValues(access.device, ids, now) } : refuse(access.rejection);
  };
}

function receiveEntries(
  device: DeviceStore,
  { upload, fault, entryCount }: UploadAttempt,
  now: () => number,
): Exchange {
  return {
    entryCount,
    answer() {
      if (!upload) return json(fault.status, { message: fault.message });
      device.store(upload, now());
      return json(200, { data: {} });
    },
  };
}

function sendValues(device: DeviceStore, ids: string, now: () => number): HttpResponse {
  const fieldIds = ids.split(',', MAX_FIELD_IDS + 1).map(decode);
  if (fieldIds.length > MAX_FIELD_IDS) return json(400, { message: `At most ${MAX_FIELD_IDS} fields at once` });
  const wrong = fieldIds.findIndex((fieldId) => !fieldId);
  if (wrong >= 0) return json(400, { message: `field id [${wrong}] is empty or not percent-encoded` });
  const values = fieldIds.flatMap((fieldId = '') => {
    const latest = device.latest(fieldId);
    return latest ? [{ [fieldId]: latest }] : [];
  });
  return json(200, { data: { servertime: now(), values } });
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

import { readBody } from './body.js';
import { authorize } from './credentials.js';
import type { DeviceStore } from './device-store.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';
import { readUpload } from './upload-schema.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';
/** More ids than fit into the URLs of any client. */
const MAX_FIELD_IDS = 1000;

/** A request that is read as far as it deserves, and not carried out yet. */
export interface Exchange {
  /** How many entries the body holds, valid or not; absent if it was not read or holds no list of them. */
  readonly entryCount?: number | undefined;
  /** Carries out the request: an upload is stored now. */
  answer(): HttpResponse;
}

/** Reads a request. */
export type Routes = (request: HttpRequest) => Promise<Exchange>;

/**
 * The server's two routes. A request is checked in the order of what a check costs: path and method, the form of its ids,
 * credentials, size of the body, JSON, schema. Whoever has no key can't make the server read a body.
 *
 * @param devices - By device id in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 * @param maxBodyBytes - The longest body that is read.
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
      if ('refusal' in access) return refuse(access.refusal);
      const body = await readBody(request, maxBodyBytes);
      return 'text' in body ? receiveEntries(access.device, body.text, now) : refuse(body.refusal);
    }
    const ids = request.path.startsWith(VALUES) ? request.path.slice(VALUES.length) : '';
    if (ids === '' || ids.includes('/')) return refuse(json(404, { message: 'There is nothing at this path' }));
    if (request.method !== 'GET') return refuseMethod('GET');
    const access = authorize(devices, request, 'read');
    return 'device' in access ? { answer: () => sendValues(access.device, ids, now) } : refuse(access.refusal);
  };
}

function receiveEntries(device: DeviceStore, body: string, now: () => number): Exchange {
  const { upload, fault, entryCount } = readUpload(body);
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

const refuse = (refusal: HttpResponse): Exchange => ({ answer: () => refusal });

const refuseMethod = (allowed: string): Exchange =>
  refuse(json(405, { message: `Only ${allowed} is allowed here` }, { allow: allowed }));

import { authorize } from './credentials.js';
import type { DeviceStore } from './device-store.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';
import type { UploadAttempt } from './upload-schema.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';

/** Answers a request. @param attempt - Its body, read as an upload. */
export type Routes = (request: HttpRequest, attempt: UploadAttempt) => HttpResponse;

/**
 * The server's two routes.
 *
 * @param devices - By device id in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 */
export function createRoutes(devices: ReadonlyMap<string, DeviceStore>, now: () => number): Routes {
  return (request, attempt) => {
    if (request.path === ENTRIES) {
      if (request.method !== 'POST') return refuseMethod('POST');
      const access = authorize(devices, request, 'write');
      return 'device' in access ? receiveEntries(access.device, attempt, now()) : access.refusal;
    }
    const ids = request.path.startsWith(VALUES) ? request.path.slice(VALUES.length) : '';
    if (ids === '' || ids.includes('/')) return json(404, { message: 'There is nothing at this path' });
    if (request.method !== 'GET') return refuseMethod('GET');
    const access = authorize(devices, request, 'read');
    return 'device' in access ? sendValues(access.device, ids, now) : access.refusal;
  };
}

function receiveEntries(device: DeviceStore, { upload, fault }: UploadAttempt, now: number): HttpResponse {
  if (!upload) return json(400, { message: fault });
  device.store(upload, now);
  return json(200, { data: {} });
}

function sendValues(device: DeviceStore, ids: string, now: () => number): HttpResponse {
  const fieldIds = ids.split(',').map(decode);
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

function refuseMethod(allowed: string): HttpResponse {
  return json(405, { message: `Only ${allowed} is allowed here` }, { allow: allowed });
}

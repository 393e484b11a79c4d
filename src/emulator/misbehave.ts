import { type HttpResponse, json } from '../http/message.js';
import type { Fault, StatusFault } from './fault.js';
import type { EmulatedRequest, EmulatedResponse } from './platform.js';
import { wait } from './wait.js';

/**
 * Answers a request with a fault.
 *
 * @param handle - Handles the request without the fault.
 */
export async function misbehave(
  fault: Fault,
  request: EmulatedRequest,
  handle: () => HttpResponse | PromiseLike<HttpResponse>,
): Promise<EmulatedResponse> {
  if ('status' in fault) return answerWith(fault);
  if ('cut' in fault) return { ...(await handle()), isCut: true };
  await wait(request, 'delay' in fault ? fault.delay : undefined);
  return handle();
}

function answerWith({ status, message, body, headers: given = {} }: StatusFault): HttpResponse {
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  if (message !== undefined) return json(status, { message }, headers);
  return { status, headers, ...(body !== undefined && { body }) };
}

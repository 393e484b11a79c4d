import { type HttpResponse, json } from '../../http/message.js';

const MIN_SECONDS = 3;
const MAX_SECONDS = 15;

/** The response of a gateway that can't accept anything now. Devices come back spread over some seconds. */
export function unavailable(): HttpResponse {
  const seconds = MIN_SECONDS + Math.floor(Math.random() * (MAX_SECONDS - MIN_SECONDS + 1));
  return json(503, { message: 'The gateway can not store uploads now' }, { 'retry-after': String(seconds) });
}

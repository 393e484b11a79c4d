import type { Fault, StatusFault } from './fault.js';
import { wait } from './wait.js';

/**
 * Answers a request as a fault has it.
 *
 * @param handle - Handles the request as if there were no fault.
 */
export async function misbehave(fault: Fault, request: Request, handle: () => Promise<Response>): Promise<Response> {
  if ('status' in fault) return answerWith(fault);
  if ('cut' in fault) return cutShort(await handle());
  await wait(request, 'delay' in fault ? fault.delay : undefined);
  return handle();
}

function answerWith({ status, message, body, headers: given }: StatusFault): Response {
  const headers = new Headers(given);
  if (message === undefined) return new Response(body ?? null, { status, headers });
  if (!headers.has('Content-Type')) headers.set('Content-Type', 'application/json');
  return new Response(JSON.stringify({ message }), { status, headers });
}

async function cutShort(response: Response): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const half = whole.slice(0, Math.floor(whole.length / 2));
  let sent = false;
  // Pulled, not started: an error throws away what is still queued in front of it.
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new TypeError('The connection was cut'));
      sent = true;
      controller.enqueue(half);
    },
  });
  const headers = new Headers(response.headers);
  // Without it, @hono/node-server reads ahead and sends the half as a whole answer.
  headers.set('Transfer-Encoding', 'chunked');
  return new Response(body, { status: response.status, headers });
}

import { type Random, upTo } from '../simulation/random.js';

export const WITHOUT_BODY = new Set([204, 205, 304]);

/** `Response` itself can only be built with 200 to 599. */
export function answerOf(
  status: number,
  headers: Record<string, string>,
  pieces: readonly string[],
  isCut: boolean,
): Response {
  const isBuildable = status >= 200 && status <= 599;
  const body = WITHOUT_BODY.has(status) ? null : bodyOf(pieces, isCut);
  const response = new Response(body, { status: isBuildable ? status : 200, headers });
  return isBuildable ? response : Object.defineProperty(response, 'status', { value: status });
}

function bodyOf(pieces: readonly string[], isCut: boolean): BodyInit {
  const [whole = ''] = pieces;
  if (pieces.length === 1 && !isCut) return Buffer.from(whole, 'latin1');
  const left = pieces.map((piece) => Buffer.from(piece, 'latin1'));
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (isCut) controller.error(new TypeError('terminated'));
      else controller.close();
    },
  });
}

/** As it comes off the network: mostly at once. */
export function cut(bytes: string, random: Random): string[] {
  const at = upTo(random, bytes.length);
  return random() < 0.2 ? [bytes.slice(0, at), bytes.slice(at)] : [bytes];
}

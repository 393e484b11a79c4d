import { redact } from '../core/model/foreign-text.js';
import type { Answer, Transport } from '../core/ports/transport.js';
import type { FetchLike } from '../core/ports/web-types.js';
import { judge, type Verdict } from '../core/server/verdict.js';
import { SystemClock } from '../platform/system-clock.js';
import { fetchTransport } from '../transport/fetch-transport.js';

/** The NikDev server behind the gateway, for the requests of the front. Bodies of answers are bounded; redirects not followed. */
export class Upstream {
  readonly baseUrl: string;
  readonly #transport: Transport;

  /**
   * @param baseUrl - Ends with `/`.
   * @param fetch - Replaces the platform's `fetch`.
   */
  constructor(baseUrl: string, fetch?: FetchLike) {
    this.baseUrl = baseUrl;
    this.#transport = fetchTransport(new SystemClock(), fetch);
  }

  /** Uploads nothing with a key. @returns The verdict on the key; `unknown` unless upstream accepts or refuses it. */
  async checkKey(
    device: string,
    apiKey: string,
    timeoutSeconds: number,
  ): Promise<'accepted' | 'unknown' | { readonly refused: number }> {
    const body = JSON.stringify({ clientTimestamp: Math.floor(Date.now() / 1000), entries: [] });
    const { answer } = this.#transport.send({
      method: 'POST',
      url: `${this.baseUrl}entries/`,
      headers: { ...credentialHeaders(device, apiKey), 'content-type': 'application/json' },
      body,
      timeoutSeconds,
    });
    const { kind, status = 0 } = judgeAnswer(await answer, apiKey, timeoutSeconds);
    if (kind === 'unauthorized') return { refused: status };
    // A server that refuses a body without entries has accepted the key before.
    return kind === 'stored' || kind === 'invalid-entries' ? 'accepted' : 'unknown';
  }

  /** Reads values with the key of the caller. */
  readValues(device: string, apiKey: string, fieldIds: readonly string[], timeoutSeconds: number): Promise<Answer> {
    const { answer } = this.#transport.send({
      method: 'GET',
      url: `${this.baseUrl}values/${fieldIds.map(encodeURIComponent).join(',')}`,
      headers: credentialHeaders(device, apiKey),
      timeoutSeconds,
    });
    return answer;
  }
}

const credentialHeaders = (device: string, apiKey: string) => ({ 'x-device-id': device, 'x-api-key': apiKey });

const judgeAnswer = (answer: Answer, apiKey: string, timeoutSeconds: number): Verdict =>
  judge(answer, {
    redact: (text) => redact(text, [apiKey]),
    isInsecure: false,
    timeoutSeconds,
    now: Date.now(),
    isOnline: true,
  });

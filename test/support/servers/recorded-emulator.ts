import type { Emulator } from '../../../src/emulator.js';

import type { PageOptions } from '../builders/credentials.js';
import { credentials } from '../builders/credentials.js';
import { uploadedEntries } from '../builders/uploads.js';
import { oneDevice } from './emulator.js';
import { serveOnLoopback } from './serve-on-loopback.js';

/** A request as received. */
export interface Arrival {
  readonly method: string;
  readonly apiKey: string | null;
  /** Of the body. */
  readonly bytes: number;
  /** The first values of an upload's entries. */
  readonly texts: readonly unknown[];
}

export interface RecordedEmulator {
  readonly emulator: Emulator;
  readonly options: PageOptions;
  /** Preflights too, in the order in which they came. */
  readonly arrivals: readonly Arrival[];
  /** The requests that upload. */
  uploads(): Arrival[];
  /** Holds back the answers of uploads from now on; their entries are stored. @returns A function that releases them. */
  holdAnswers(): () => void;
}

/** An emulator with an origin of its own that records every request. */
export async function serveRecordedEmulator(): Promise<RecordedEmulator> {
  const emulator = oneDevice();
  const arrivals: Arrival[] = [];
  let held: Promise<void> | undefined;
  const url = await serveOnLoopback(async (request) => {
    const { method } = request;
    const body = method === 'POST' ? await request.clone().text() : '';
    const texts = method === 'POST' ? uploadedEntries(body).map(({ values }) => values[0]?.[1]) : [];
    arrivals.push({ method, apiKey: request.headers.get('x-api-key'), bytes: Buffer.byteLength(body), texts });
    const answer = (await emulator.fetch(request)) as Response;
    if (method === 'POST') await held;
    return answer;
  });
  return {
    emulator,
    options: { ...credentials, baseUrl: `${url}api/v1/` },
    arrivals,
    uploads: () => arrivals.filter(({ method }) => method === 'POST'),
    holdAnswers() {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
  };
}

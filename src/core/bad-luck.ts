import { GetException, PushException } from './exceptions.js';

/** What a call fails with that is no answer of the server's: it was given up, or another has what it was about. */

const STILL_SAVED = 'is still saved, if its storage lasts; a new Api pushes it.';

export function pushAborted(): PushException {
  return new PushException(
    'Bad luck: the push was aborted by its signal.',
    'Everything is still queued; the server may have stored the request that was under way. Push again later.',
  );
}

export function pushTakenOver(): PushException {
  return new PushException(
    'Bad luck: this page or process was hidden, frozen or stopped, and another took over what it had queued.',
    'That one pushes it. What is committed here from now on is pushed here.',
  );
}

/** What no verdict foresees: a body that is longer than any string can be, or a clock or transport that throws. */
export function pushNotSent(): PushException {
  return new PushException(
    'Bad luck: the push failed before its request could be sent.',
    'Everything is still queued. Lower maxBytesPerRequest or maxEntriesPerRequest, and push again.',
  );
}

/** @param seconds - How long it was to take. */
export function pushOutOfTime(seconds: number): PushException {
  return new PushException(
    `Bad luck: not everything was stored within ${seconds} s, and this Api was closed.`,
    `What was not stored ${STILL_SAVED}`,
  );
}

const CLOSED = 'Bad luck: this Api was closed before the answer came.';

export function pushClosed(): PushException {
  return new PushException(CLOSED, CLOSED_ADVICE);
}

export function getClosed(): GetException {
  return new GetException(CLOSED, 'Nothing was changed. Ask with a new Api.');
}

export function getAborted(): GetException {
  return new GetException('Bad luck: the request was aborted by its signal.', 'Nothing was changed. Ask again.');
}

/** What a closing push failed with, where no storage has what it did not store. */
export function inMemoryAlone(exception: PushException): PushException {
  const advice =
    'This Api is closed, and what was not stored is in memory alone: log() holds it, and restore() of a new Api puts it back.';
  return new PushException(exception.message, advice, exception);
}

/** What to do after `close()`. */
export const CLOSED_ADVICE = `What was committed and not stored by the server ${STILL_SAVED}`;

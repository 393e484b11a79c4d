import { classOf, type StreamFailure, streamFailureOf } from '../stream-failure.js';

/** Classifies an error of a publication. */
export const failureOfPublish = (error: unknown): StreamFailure =>
  streamFailureOf(error) ?? { reason: `the stream did not acknowledge in time (${classOf(error)})` };

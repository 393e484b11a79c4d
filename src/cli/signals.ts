/** The signals with which a shell or a supervisor ends a command. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves at the first of {@link END_SIGNALS}. Call it before the first line of output: a caller who has read it may end the command
 * at once.
 */
export const untilEndSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of END_SIGNALS) process.once(signal, () => resolve());
  });

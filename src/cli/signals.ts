/** The termination signals: a shell or a supervisor ends a command with one of them. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves at the first of {@link END_SIGNALS}. Call it before the line that says that the command runs: a caller who has read that
 * line may end the command at once. Until then the default applies, which ends the process.
 */
export const untilEndSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of END_SIGNALS) process.once(signal, () => resolve());
  });

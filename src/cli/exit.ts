import { CLOSE_FILES, DISK_FULL, freeSpace, TOO_MANY_FILES } from '../core/model/system-codes.js';

/** The exit codes, after sysexits.h where that has one. */
export const EXIT = {
  /** Done, or there was nothing to do. */
  ok: 0,
  /** The server refused something, or something was quarantined, could not be read, or could not be written to standard output. */
  refused: 1,
  /** The command line or the configuration can't be used. */
  usage: 2,
  /** Temporary: everything is kept. Try again later. */
  temporary: 75,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CommandDetails {
  readonly exitCode: ExitCode;
  /** Default: none. */
  readonly advice?: string;
  /** Default: `false`. */
  readonly isPlain?: boolean;
}

/** A failure with a message for people and an exit code. */
export class CommandException extends Error {
  override readonly name: string = 'CommandException';
  readonly exitCode: ExitCode;
  readonly advice: string;
  /** Whether no text of the message can be a key: long numbers in it are shown as they are. */
  readonly isPlain: boolean;

  constructor(message: string, { exitCode, advice = '', isPlain = false }: CommandDetails) {
    super(message);
    this.exitCode = exitCode;
    this.advice = advice;
    this.isPlain = isPlain;
  }
}

/** Whether `error` is a {@link CommandException}. */
export const isCommandException = (error: unknown): error is CommandException =>
  typeof error === 'object' && error !== null && 'exitCode' in error;

/** The command line or the configuration can't be used; nothing was changed. */
export const usage = (message: string, advice = ''): CommandException =>
  new CommandException(message, { exitCode: EXIT.usage, advice });

/** A call could not save its values. */
export class NotSavedException extends CommandException {
  override readonly name = 'NotSavedException';
  /** Whether the queue or the disk is full: a push may free space. */
  readonly isFull: boolean;

  constructor(message: string, { advice, isFull }: Pick<NotSavedException, 'advice' | 'isFull'>) {
    super(message, { exitCode: EXIT.temporary, advice });
    this.isFull = isFull;
  }
}

export const isNotSaved = (error: unknown): error is NotSavedException =>
  (error as Error | null)?.name === 'NotSavedException';

/** @param code - Of the system's error. */
export const notWritable = (folder: string, code: string): CommandException =>
  new CommandException(`${folder} can't be written (${code})`, {
    exitCode: EXIT.temporary,
    advice: notWritableAdvice(code),
  });

function notWritableAdvice(code: string): string {
  if (DISK_FULL.test(code)) return `To go on, ${freeSpace(code)}, then run it again.`;
  return TOO_MANY_FILES.test(code) ? CLOSE_FILES : 'Check its owner and permissions, or set NIKDEV_DIR.';
}

/** Another process holds a lock of the folder. */
export class LockedException extends CommandException {
  override readonly name = 'LockedException';

  constructor(lock: string, folder: string) {
    const [doing, advice] =
      lock === 'push-lock'
        ? ['is pushing from', 'Committed values are kept: that process pushes them, or a later call does.']
        : ['is using', 'Nothing was changed by this call. Run it again.'];
    super(`another nikdev-iot process ${doing} ${folder}`, { exitCode: EXIT.temporary, advice });
  }
}

export const isLocked = (error: unknown): error is LockedException =>
  (error as Error | null)?.name === 'LockedException';

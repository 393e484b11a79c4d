import { isStorageException, isStorageFull } from '../../core/model/exceptions.js';
import { codeWord } from '../../core/model/foreign-text.js';
import { isPushException } from '../../core/model/request-exceptions.js';
import type { Api, FieldValue } from '../../index.js';
import { type Call, textOf } from '../command.js';
import { EXIT, type ExitCode } from '../exit.js';
import { type Session, withPushing } from '../folder-session.js';
import { parseLine } from '../input-line.js';
import { LineReader } from '../line-reader.js';
import { parseDuration } from '../option-values.js';
import { Progress } from '../progress.js';
import { keepFailure, keepPushes, notDue } from '../push-folder.js';
import { exitCodeOf, failureOf, report } from '../report.js';
import { END_SIGNALS } from '../signals.js';
import { plural } from '../words.js';

/** After SIGTERM, in seconds: supervisors kill after 10 s or more. */
const STOP_SECONDS = 8.5;
const EXIT_SECONDS = 9.5;
/** How long a push may take that frees space for the last entry, also after SIGTERM. */
const FREE_SPACE_MS = 4000;

export async function run(call: Call): Promise<ExitCode> {
  const everyText = textOf(call, 'every');
  const every = everyText === undefined ? undefined : parseDuration(everyText, '--every');
  const drainSeconds = parseDuration(textOf(call, 'wait') ?? '30s', '--wait');
  return withPushing(call, (session) => new Pipe(call, session, every).run(drainSeconds), { autoPush: true });
}

/** Commits the lines of standard input while an `Api` pushes them. */
class Pipe {
  readonly #call: Call;
  readonly #session: Session;
  readonly #api: Api;
  /** In seconds; `undefined` to commit each line. */
  readonly #every: number | undefined;
  readonly #progress: Progress;
  readonly #reader = new LineReader(process.stdin);
  #isStopped = false;
  /** In Unix seconds. */
  #heldUntil: number | undefined;
  #failures = 0;
  #quarantined = 0;
  #discarded = 0;

  constructor(call: Call, session: Session, every: number | undefined) {
    this.#call = call;
    this.#session = session;
    this.#api = session.api;
    this.#every = every;
    this.#progress = new Progress(call.err, session.api);
  }

  async run(drainSeconds: number): Promise<ExitCode> {
    const stopListening = this.#listen();
    const timer = this.#every === undefined ? undefined : setInterval(() => this.#commitInterval(), this.#every * 1000);
    const dueTimer = this.#holdUntilDue();
    try {
      for await (const { number, text } of this.#reader.lines()) this.#take(number, text);
      clearInterval(timer);
      this.#checkInput();
      await this.#commitRest();
      return await this.#drain(this.#isStopped ? STOP_SECONDS : drainSeconds);
    } finally {
      clearInterval(timer);
      clearTimeout(dueTimer);
      stopListening();
      this.#progress.end();
    }
  }

  /** The pause after a failure of an earlier call lasts. */
  #holdUntilDue(): NodeJS.Timeout | undefined {
    const dueAt = this.#keptDueAt;
    if (dueAt === undefined) return undefined;
    this.#heldUntil = dueAt;
    this.#api.pause();
    return setTimeout(() => this.#api.resume(), dueAt * 1000 - Date.now());
  }

  get #keptDueAt(): number | undefined {
    return this.#session.folder.pushState.dueAt(this.#call.settings());
  }

  /** When the rest of the queue may be pushed: a backoff of this call ends with its input, unless the server asked for the delay. */
  get #dueAt(): number | undefined {
    const isAsked = this.#session.folder.pushState.lastException?.retryAfter !== undefined;
    return isAsked ? this.#keptDueAt : this.#heldUntil;
  }

  #listen(): () => void {
    const { pushState } = this.#session.folder;
    const stops = [
      keepPushes(this.#api, pushState),
      this.#api.on('commit', () => this.#progress.add({ committed: 1 })),
      this.#api.on('push', ({ entries }) => this.#progress.add({ pushed: entries })),
      this.#api.on('error', (error) => {
        keepFailure(pushState, error, this.#call.settings());
        this.#call.err.line(failureOf(error).message, 'warn');
      }),
      this.#api.on('discard', ({ entries, message }) => {
        this.#discarded += entries.length;
        this.#call.err.line(`${plural(entries.length, 'entry', 'entries')} discarded: ${message}`, 'warn');
      }),
      this.#api.on('quarantine', ({ entries, message }) => {
        this.#quarantined += entries.length;
        this.#call.err.line(`quarantined: ${message}`, 'bad');
      }),
    ];
    const stop = (): void => {
      if (this.#isStopped) this.#exit();
      this.#isStopped = true;
      this.#reader.stop();
      // Also bounds the push that follows the end of the input.
      setTimeout(() => this.#exit(), EXIT_SECONDS * 1000).unref();
    };
    for (const signal of END_SIGNALS) process.on(signal, stop);
    return () => {
      for (const end of stops) end();
      for (const signal of END_SIGNALS) process.off(signal, stop);
    };
  }

  #checkInput(): void {
    const { failure } = this.#reader;
    if (failure === undefined) return;
    this.#fail(
      `standard input failed (${codeWord(failure) ?? failureOf(failure).message}). The lines before are committed.`,
    );
  }

  #take(number: number, text: string | undefined): void {
    try {
      if (text === undefined) throw new Error('the line is too long');
      const values: Record<string, FieldValue> | undefined = parseLine(text);
      if (values === undefined) return;
      this.#api.addValues(values);
    } catch (error) {
      this.#fail(`line ${number}: ${failureOf(error).message}`);
      return;
    }
    if (this.#every === undefined) this.#commitLine(number);
  }

  #commitLine(number: number): void {
    const error = this.#tryCommit();
    if (error !== undefined) this.#drop(`line ${number}: ${reasonOf(error)}. This line was not saved.`);
  }

  #commitInterval(): void {
    const error = this.#tryCommit();
    if (error !== undefined) this.#fail(`${reasonOf(error)}. These values are left to the next interval.`);
  }

  /** Commits the values of the last interval; if there is no space, once a push has freed some. */
  async #commitRest(): Promise<void> {
    let error = this.#tryCommit();
    if (isStorageFull(error) && this.#dueAt === undefined) {
      await this.#api.push({ signal: AbortSignal.timeout(FREE_SPACE_MS) }).catch(() => {});
      error = this.#tryCommit();
    }
    if (error !== undefined) this.#drop(`${reasonOf(error)}. These values were not saved.`);
  }

  /** Drops the staged values: in memory only, they would become a part of the next entry. */
  #drop(message: string): void {
    this.#api.reset();
    this.#fail(message);
  }

  /** @returns The error of the commit; `undefined` if the values are saved. */
  #tryCommit(): unknown {
    try {
      this.#api.commit();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Ends in the middle of a push. */
  #exit(): never {
    process.exit(this.#codeOr(EXIT.temporary));
  }

  /** The exit code: that of what was refused, or else that of the push. */
  #codeOr(code: ExitCode): ExitCode {
    return this.#failures > 0 || this.#quarantined > 0 ? EXIT.refused : code;
  }

  #fail(message: string): void {
    this.#failures += 1;
    this.#call.err.line(message, 'bad');
  }

  /** @throws An exception if not everything was pushed. */
  async #pushUntil(end: number): Promise<void> {
    const { pushState } = this.#session.folder;
    const dueAt = this.#api.status().committed > 0 ? this.#dueAt : undefined;
    if (dueAt !== undefined && dueAt * 1000 > end)
      throw notDue(dueAt, pushState, 'nikdev-iot push --now pushes at once.');
    if (dueAt !== undefined) await new Promise((resolve) => setTimeout(resolve, dueAt * 1000 - Date.now()));
    try {
      await this.#api.close({ push: true, timeoutSeconds: Math.max(1, (end - Date.now()) / 1000) });
    } catch (error) {
      if (isPushException(error)) keepFailure(pushState, error, this.#call.settings());
      throw error;
    }
  }

  /** Pushes the rest of the queue. */
  async #drain(seconds: number): Promise<ExitCode> {
    let code: ExitCode = EXIT.ok;
    try {
      await this.#pushUntil(Date.now() + seconds * 1000);
    } catch (error) {
      this.#progress.end();
      report(error, { ...this.#call, isJson: false });
      code = exitCodeOf(error);
    }
    const { committed, staged } = this.#api.status();
    if (this.#call.isJson)
      this.#call.out.json({
        ...this.#progress.counts,
        discarded: this.#discarded,
        committed,
        staged,
        failures: this.#failures,
      });
    return this.#codeOr(code);
  }
}

const reasonOf = (error: unknown): string => (isStorageException(error) ? error.reason : failureOf(error).message);

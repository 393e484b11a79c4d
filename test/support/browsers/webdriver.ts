/** Sends a command of one session, by its path below the session's. @returns Its value. @throws Error with the driver's message. */
export type Command = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<unknown>;

/** Begins a session of a WebDriver that listens at `url`, as soon as it does. */
export async function newSession(url: string, alwaysMatch: object): Promise<Command> {
  await listening(url);
  const begun = send('POST', `${url}/session`, { capabilities: { alwaysMatch } }, AbortSignal.timeout(45_000));
  const { sessionId } = (await begun) as { sessionId: string };
  return (method, path, body) => send(method, `${url}/session/${sessionId}${path}`, body);
}

/** Runs a function in the page of the session's current window. */
export async function execute(command: Command, run: (argument: never) => unknown, argument: unknown): Promise<never> {
  const script = `const [argument, done] = arguments
    Promise.resolve(argument.given)
      .then(${run})
      .then((value) => done({ value }), (error) => done({ error: String(error) }))`;
  const outcome = (await command('POST', '/execute/async', { script, args: [{ given: argument }] })) as {
    readonly value?: unknown;
    readonly error?: string;
  };
  if (outcome.error !== undefined) throw new Error(outcome.error);
  return outcome.value as never;
}

async function send(method: string, url: string, body: object = {}, signal?: AbortSignal): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    ...(method === 'POST' && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const { value } = (await answer.json()) as { value: unknown };
  if (!answer.ok) throw new Error(`${method} ${url}: ${JSON.stringify(value)}`);
  return value;
}

async function listening(url: string): Promise<void> {
  for (let tries = 100; ; tries--) {
    try {
      await send('GET', `${url}/status`);
      return;
    } catch (error) {
      if (tries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

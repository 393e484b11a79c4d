interface HostProcess {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly versions?: { readonly node?: string; readonly bun?: string; readonly deno?: string };
  on?(event: string, listener: () => void): void;
  off?(event: string, listener: () => void): void;
}

/** By its global object: bundlers put a process of their own in the place of the name. */
export const hostProcess = (): HostProcess => (globalThis as { process?: HostProcess }).process ?? {};

/** Adds or removes a listener, if the process has listeners. */
export function listenToProcess(method: 'on' | 'off', event: string, listener: () => void): void {
  try {
    hostProcess()[method]?.(event, listener);
  } catch {
    // Next's Edge runtime has the functions, and they throw.
  }
}

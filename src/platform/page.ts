/** Whether this runs in a page; not in a worker, Node, Bun or Deno. */
export const isPage = (): boolean => typeof window !== 'undefined' && typeof document !== 'undefined';

import { type NodeProcess, runNode } from './node-process.js';

/** Starts the demo. @returns Its process, to be stopped by the caller, and its URL. */
export async function startDemo(): Promise<{ demo: NodeProcess; url: string }> {
  const demo = runNode('examples/demo/demo.mjs', ['--port', '0']);
  const [url = ''] = await demo.line(/http:\/\/127\.0\.0\.1:\d+\//);
  return { demo, url };
}

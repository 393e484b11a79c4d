import { fork } from 'node:child_process';

/**
 * Runs a program in a process of its own, which ends then.
 *
 * @param {string} path - Of the program, which sends one object.
 * @returns {Promise<object>} That object.
 */
export async function inFreshProcess(path, args, options = {}) {
  const child = fork(path, args, options);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const result = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (typeof result !== 'object') throw new Error(`${path} ended with ${result} and measured nothing`);
  child.kill();
  await ended;
  return result;
}

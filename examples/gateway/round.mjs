import { setTimeout } from 'node:timers/promises';

const SECOND = 1000;

/**
 * One round of failures, while the devices go on: a gateway and the stream's leader are killed and started again.
 *
 * @param {object} parts
 * @param {import('./processes.mjs').Processes} parts.processes
 * @param {Awaited<ReturnType<typeof import('./nats.mjs').startNats>>} parts.nats
 * @param {Awaited<ReturnType<typeof import('./gateways.mjs').startGateways>>} parts.gateways
 * @param {import('./cluster.mjs').Cluster} parts.cluster
 * @param {(text: string) => void} parts.note - Called with each step.
 * @param {number} number - Of the round, from 0.
 * @param {AbortSignal} signal - Ends the round early.
 */
export async function runRound({ processes, nats, gateways, cluster, note }, number, signal) {
  const pause = (seconds) => setTimeout(seconds * SECOND, undefined, { signal });
  await pause(3);

  const gateway = gateways.names[number % gateways.names.length];
  await processes.end(gateway, 'SIGKILL');
  note(`Killed ${gateway}. Its devices keep their queues.`);
  await pause(3);
  gateways.start(gateway);
  await gateways.untilReady(gateway);
  note(`Started ${gateway} again.`);

  await cluster.until(({ leader }) => leader !== undefined, signal);
  const { leader } = cluster;
  await processes.end(leader, 'SIGKILL');
  note(`Killed ${leader}, the leader of the stream.`);
  await cluster.until((now) => now.leader !== undefined && now.leader !== leader, signal);
  note(`${cluster.leader} leads the stream now.`);
  nats.start(leader);
  note(`Started ${leader} again.`);
  await pause(2);
}

/** Starts all that is killed, after a round that was ended early. */
export function startKilled({ processes, nats, gateways }) {
  for (const { names, start } of [nats, gateways]) {
    for (const name of names) if (!processes.isRunning(name)) start(name);
  }
}

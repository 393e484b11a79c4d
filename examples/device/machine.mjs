import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const THERMAL = '/sys/class/thermal';

let before = cpuTimes();

/**
 * Reads what this machine is doing, to one decimal.
 *
 * @returns {{ cpu?: number, memory: number, temperature?: number }} CPU use in percent since the last call, used memory
 * in percent, and the CPU's temperature in °C; a value that this machine does not report is absent.
 */
export function readMachine() {
  return { ...readCpu(), memory: round((1 - os.freemem() / os.totalmem()) * 100), ...readTemperature() };
}

function readCpu() {
  const now = cpuTimes();
  const total = now.total - before.total;
  const idle = now.idle - before.idle;
  before = now;
  return total > 0 ? { cpu: round((1 - idle / total) * 100) } : {};
}

function cpuTimes() {
  const times = os.cpus().map((cpu) => cpu.times);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  return { idle: sum(times.map(({ idle }) => idle)), total: sum(times.flatMap(Object.values)) };
}

/** Linux has a folder for each sensor; the sensors of disks, batteries and the room are ignored. */
function readTemperature() {
  try {
    const zones = readdirSync(THERMAL).filter((name) => name.startsWith('thermal_zone'));
    const zone = zones.find((name) => /cpu|pkg|soc|core/i.test(readFileSync(`${THERMAL}/${name}/type`, 'utf8')));
    const milliCelsius = Number.parseInt(readFileSync(`${THERMAL}/${zone}/temp`, 'utf8'), 10);
    return Number.isNaN(milliCelsius) ? {} : { temperature: round(milliCelsius / 1000) };
  } catch {
    // Not Linux, no such sensor, or one that can't be read at the moment.
    return {};
  }
}

function round(number) {
  return Math.round(number * 10) / 10;
}

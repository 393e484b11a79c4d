/** The server of the demo refuses higher temperatures, in °C, of the fields that have this `max`. */
export const MAX_CELSIUS = 60;
/** A temperature that it refuses. */
export const TOO_HOT = 75;
/** The field of a reading's number, by which the demo accounts for each. */
export const NUMBER = 'number';

/** Measured by the device; a machine without a sensor has no `temperature`. */
export const MEASURED = [
  { id: 'boiler', label: 'Boiler', unit: '°C', max: MAX_CELSIUS },
  { id: 'cpu', label: 'CPU use', unit: '%' },
  { id: 'memory', label: 'Memory used', unit: '%' },
  { id: 'temperature', label: 'CPU temperature', unit: '°C' },
];

/** Entered in the dashboard. */
export const ENTERED = [
  { id: 'target', label: 'Boiler target', unit: '°C', input: 'number', max: MAX_CELSIUS },
  { id: 'note', label: 'Note', input: 'text' },
];

/** @returns {number} A simulated temperature: a slow wave. */
export function readBoiler(seconds = Date.now() / 1000) {
  return Math.round((48 + 6 * Math.sin(seconds / 19) + 1.5 * Math.sin(seconds / 4.3)) * 10) / 10;
}

/** @returns {string | undefined} The reason for which the server refuses entries of an upload, if it does. */
export function refusalOf(entries) {
  const values = entries.flatMap((entry) => entry.values ?? []);
  const broken = [...MEASURED, ...ENTERED].find(({ id, max }) => values.some((value) => value[id] > max));
  return broken && `${broken.label} is above ${broken.max} °C`;
}

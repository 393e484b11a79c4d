/** React Native's registry of native modules, on a device that has none. */
export const get = () => null;

export function getEnforcing(name) {
  throw new Error(`There is no native module ${name}.`);
}

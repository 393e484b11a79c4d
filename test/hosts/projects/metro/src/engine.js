// Removes the globals that React Native's engine lacks, but for crypto, which apps provide; there is nothing of fetch left but
// XMLHttpRequest, of which React Native has its own over native code.
const show = (text) => {
  globalThis.document.body.textContent = text;
};
globalThis.showLine = show;
globalThis.settings = Object.fromEntries(new URLSearchParams(location.search));
const ABSENT = [
  'fetch',
  'Headers',
  'Request',
  'Response',
  'URL',
  'URLSearchParams',
  'AbortController',
  'AbortSignal',
  'ReadableStream',
  'CompressionStream',
  'TextDecoder',
  'BroadcastChannel',
  'structuredClone',
];
for (const name of ABSENT) delete globalThis[name];

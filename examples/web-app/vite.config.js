import { defineConfig, loadEnv } from 'vite';

const DEFAULT_BASE_URL = 'https://iot.nik-dev.se/api/v1/';

export default defineConfig(({ mode }) => {
  const { VITE_BASE_URL } = loadEnv(mode, import.meta.dirname);
  return { plugins: [contentSecurityPolicy(new URL(VITE_BASE_URL || DEFAULT_BASE_URL).origin)] };
});

/** Lets the page connect to its server only. Not while it is developed: Vite's own server uses inline styles. */
function contentSecurityPolicy(origin) {
  const content = `default-src 'self'; connect-src ${origin}; base-uri 'none'; form-action 'none'; object-src 'none'`;
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content }, injectTo: 'head-prepend' },
    ],
  };
}

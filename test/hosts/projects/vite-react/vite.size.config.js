import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    outDir: 'dist/size',
    modulePreload: false,
    rolldownOptions: { input: 'src/shared/size.js', output: { entryFileNames: 'size.js' } },
  },
});

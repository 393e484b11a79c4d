import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [vue()],
  build: { rolldownOptions: { input: ['ref.html', 'shallow-ref.html', 'pinia.html'] } },
});

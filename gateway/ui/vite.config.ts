import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The gateway serves `dist` under /work/ and writes the style nonce into index.html.
export default defineConfig({
  base: '/work/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    // A strict content security policy allows no data: scripts and no inline module preload polyfill.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: { '/v1': process.env['QINGTIAN_GATEWAY'] ?? 'http://127.0.0.1:8080' },
  },
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/setup.ts'],
    restoreMocks: true,
  },
});

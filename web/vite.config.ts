import { defineConfig } from 'vite';

// The bundle is committed and compared byte by byte with a fresh one: nothing in it may depend on the machine or the time.
export default defineConfig({
  base: '/',
  build: {
    outDir: process.env['GHOST_WEB_OUT'] ?? 'dist',
    emptyOutDir: true,
    target: ['chrome100', 'firefox100', 'safari15.4'],
    assetsInlineLimit: 0, // a data: URL would need more than default-src 'self'
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    sourcemap: false,
    reportCompressedSize: false,
  },
});

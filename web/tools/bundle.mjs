// Bundles TypeScript for Node, so that tests need neither a loader nor a Node that reads TypeScript.
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const out = join(root, 'node_modules/.cache/ghostlight');

/** Bundles each entry (a path from web/) into one file; gives their paths in the same order. */
export async function bundle(entries) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: out,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
    loader: { '.css': 'empty' },
    metafile: true,
  });
  const made = new Map(Object.entries(result.metafile.outputs).map(([file, { entryPoint }]) => [entryPoint, join(root, file)]));
  return entries.map((entry) => made.get(entry));
}

// Writes dist/explorer.js and dist/explorer.css: GraphiQL in two files without external dependencies.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({
  entryPoints: [here('src/explorer.js')],
  outdir: here('dist'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox113', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'eof',
  define: { 'process.env.NODE_ENV': '"production"' },
  alias: { 'react-style-singleton': here('src/sheet.js') },
  logLevel: 'info',
});

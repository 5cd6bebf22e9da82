// Checks that the gateway's source has the version and hash of each CDN file, as installed by the lock file.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const FILES = [
  ['react', 'umd/react.production.min.js'],
  ['react-dom', 'umd/react-dom.production.min.js'],
  ['graphiql', 'graphiql.min.js'],
  ['@graphiql/plugin-explorer', 'dist/index.umd.js'],
  ['graphiql', 'graphiql.min.css'],
  ['@graphiql/plugin-explorer', 'dist/style.css'],
];

const read = (path) => readFile(new URL(path, import.meta.url));
const source = (await read('../src/http/explorer.rs')).toString();

let failed = 0;
for (const [name, path] of FILES) {
  const { version } = JSON.parse(await read(`node_modules/${name}/package.json`));
  const hash = createHash('sha384').update(await read(`node_modules/${name}/${path}`)).digest('base64');
  const matches = source.includes(`"${name}@${version}/${path}"`) && source.includes(`"sha384-${hash}"`);
  console.log(`${matches ? 'pass' : 'FAIL'} ("${name}@${version}/${path}", "sha384-${hash}")`);
  failed += matches ? 0 : 1;
}
process.exitCode = failed > 0 ? 1 : 0;

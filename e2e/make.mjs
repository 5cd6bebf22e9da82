// Runs the tools that generate files from the schema: relay-compiler, codegen and Apollo's manifest tool. Their output is
// in generated/.

import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { promisify } from 'node:util';
import { GENERATED, SCHEMA, here } from './world.mjs';

const run = promisify(execFile);

/** Runs a tool of this package. Returns `{ ok, text }`: whether it succeeded, and its output. */
export async function tool(name, parameters, cwd = here('.')) {
  const env = { ...process.env, NO_COLOR: '1', CI: '1' };
  const options = { cwd, env, maxBuffer: 16 << 20, timeout: 120_000 };
  try {
    const { stdout, stderr } = await run(here(`node_modules/.bin/${name}`), parameters, options);
    return { ok: true, text: stdout + stderr };
  } catch (error) {
    return { ok: false, text: `${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}` };
  }
}

/** Writes each sample operation to a file, as in an application. */
export async function writeTour(documents) {
  await rm(GENERATED, { recursive: true, force: true });
  await mkdir(`${GENERATED}/documents`, { recursive: true });
  for (const [name, text] of Object.entries(documents)) await writeFile(`${GENERATED}/documents/${name}.graphql`, text);
}

/** Compiles the accounts page in relay/ and the sample operations. Relay requires certain suffixes of operation names. */
export async function compileRelay(documents) {
  const folder = `${GENERATED}/relay`;
  await cp(here('relay'), `${folder}/src`, { recursive: true });
  await mkdir(`${folder}/artifacts`, { recursive: true });
  await writeFile(`${folder}/manifest.json`, '{}');
  await writeFile(`${folder}/package.json`, '{ "type": "commonjs" }');
  const endings = { query: 'Query', mutation: 'Mutation' };
  const named = (text) => text.replace(/^(\w+) (\w+)/, (_, kind, name) => `${kind} Tour${name}${endings[kind]}`);
  const tagged = Object.entries(documents).map(([name, text]) => `export const ${name} = graphql\`\n${named(text)}\`;\n`);
  await writeFile(`${folder}/src/Tour.js`, `import { graphql } from 'relay-runtime';\n\n${tagged.join('\n')}`);
  const config = {
    src: 'src',
    schema: relative(folder, SCHEMA),
    language: 'javascript',
    eagerEsModules: false,
    artifactDirectory: 'artifacts',
    persistConfig: { file: 'manifest.json', algorithm: 'SHA256' },
  };
  await writeFile(`${folder}/relay.config.json`, JSON.stringify(config));
  const made = await tool('relay-compiler', ['relay.config.json'], folder);
  return { ...made, artifacts: `${folder}/artifacts`, manifest: `${folder}/manifest.json` };
}

/** Generates types for every operation with the client preset and with the older plugin, and a manifest. */
export async function generateCode() {
  const folder = `${GENERATED}/codegen`;
  await mkdir(folder, { recursive: true });
  const scalars = { DateTime: 'string', URL: 'string' };
  const config = {
    schema: SCHEMA,
    documents: `${GENERATED}/documents/*.graphql`,
    generates: {
      [`${folder}/client/`]: {
        preset: 'client',
        presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' }, fragmentMasking: false },
        config: { strictScalars: true, scalars, useTypeImports: true },
      },
      [`${folder}/operations.ts`]: {
        plugins: ['typescript-operations'],
        config: { strictScalars: true, scalars },
      },
    },
  };
  await writeFile(`${folder}/codegen.json`, JSON.stringify(config));
  const made = await tool('graphql-codegen', ['--silent', '--config', `${folder}/codegen.json`]);
  return { ...made, folder, manifest: `${folder}/client/persisted-documents.json` };
}

/** Generates the manifest with Apollo's tool. */
export async function listForApollo() {
  const folder = `${GENERATED}/apollo`;
  await mkdir(folder, { recursive: true });
  const manifest = `${folder}/manifest.json`;
  const config = { documents: [`${GENERATED}/documents/*.graphql`], output: manifest };
  await writeFile(`${folder}/config.json`, JSON.stringify(config));
  const made = await tool('generate-persisted-query-manifest', ['--config', `${folder}/config.json`], folder);
  return { ...made, manifest };
}

/** Reads a JSON file. */
export async function readJson(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}

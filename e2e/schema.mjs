// Checks schema.graphql with schema tools (graphql-inspector, codegen with tsc, relay-compiler and graphql-eslint), and
// against the schema of the last release.
//
//   node schema.mjs COMMONGRAPH
//
// COMMONGRAPH is the program. Prints a line for each check. Exits with 1 if a check fails.

import { readFile, writeFile } from 'node:fs/promises';
import { GraphQLSchema, buildClientSchema, buildSchema, getIntrospectionQuery, printSchema, validateSchema } from 'graphql';
import { attempt, check, report, wanted } from './check.mjs';
import { judge as judgeContract, lastRelease, ownVersion } from './contract.mjs';
import { EXCEPTIONS, findings, judge } from './lint.mjs';
import { compileRelay, generateCode, readJson, tool, writeTour } from './make.mjs';
import { GENERATED, SCHEMA, post, sampleOperations, withSandbox } from './world.mjs';

// Breaking changes: description, and the text before and after.
const BREAKS = [
  ['a field that is taken away', /^\ttotalCount: Int\n/m, ''],
  ['an argument that is taken away', /^\t\torderBy: ConnectionOrder\n/m, ''],
  ['an argument that is wanted', /^\t\tfilter: ConnectionFilter,$/m, '\t\tfilter: ConnectionFilter!,'],
  ['a field of another type', /^\ttotalCount: Int$/m, '\ttotalCount: String'],
  ['a field that can be null of late', /^\thasNextPage: Boolean!$/m, '\thasNextPage: Boolean'],
  ['a value that is taken away', /^\tEXPIRING\n/m, ''],
  ['a type that is no node any more', /^type Site implements Node/m, 'type Site'],
];

const [binary] = wanted('COMMONGRAPH');
const text = await readFile(SCHEMA, 'utf8');
const schema = buildSchema(text);

await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    const documents = sampleOperations(sandbox.tabs);
    await writeTour(documents);
    await attempt('graphql-inspector', () => inspects(sandbox));
    await attempt('codegen', () => generates(Object.keys(documents)));
    await attempt('relay-compiler', () => compiles(documents));
  }),
);
await attempt('graphql-eslint', lints);
await attempt('the contract', keeps);
report();

async function inspects(sandbox) {
  check('graphql-js finds the schema valid', validateSchema(schema).length === 0, validateSchema(schema).join('\n'));
  const valid = await tool('graphql-inspector', ['validate', `${GENERATED}/documents/*.graphql`, SCHEMA]);
  check('graphql-inspector validates the sample operations', valid.ok, valid.text);
  await writeFile(`${GENERATED}/documents/Broken.gql`, 'query Broken { connections { nothing } }');
  const broken = await tool('graphql-inspector', ['validate', `${GENERATED}/documents/*.gql`, SCHEMA]);
  check('graphql-inspector finds an invalid document', !broken.ok && broken.text.includes('nothing'), broken.text);
  const served = `${GENERATED}/served.graphql`;
  await writeFile(served, await (await fetch(new URL('/schema.graphql', sandbox.graph))).text());
  const same = await tool('graphql-inspector', ['diff', SCHEMA, served]);
  check('the served schema equals schema.graphql', same.ok && /No changes detected/.test(same.text), same.text);
  // Introspection does not include directives on types and fields. Required scopes are only in the SDL.
  const [bare, told] = [`${GENERATED}/bare.graphql`, `${GENERATED}/told.graphql`];
  await writeFile(bare, printSchema(withoutRights(schema)));
  await writeFile(told, await introspected(sandbox));
  const asked = await tool('graphql-inspector', ['diff', bare, told]);
  check('the introspected schema equals schema.graphql without required scopes', asked.ok && /No changes detected/.test(asked.text), asked.text);
}

function withoutRights(schema) {
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, directives: config.directives.filter(({ name }) => name !== 'requiresScopes') });
}

async function introspected({ graph, people }) {
  const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, schemaDescription: true, oneOf: true });
  const { answer } = await post(graph, people.operator, { query });
  return printSchema(buildClientSchema(answer.data));
}

async function generates(names) {
  const made = await generateCode();
  if (!check('codegen generates types for the schema and every operation', made.ok, made.text)) return;
  const manifest = await readJson(made.manifest);
  check('codegen generates a manifest of all operations', Object.keys(manifest).length === names.length, JSON.stringify(manifest));
  const options = ['--strict', '--noUncheckedIndexedAccess', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'false'];
  const compiled = await tool('tsc', ['--noEmit', ...options, 'usage.ts']);
  check('tsc accepts correct use of the types and rejects wrong use', compiled.ok, compiled.text);
}

async function compiles(documents) {
  const made = await compileRelay(documents);
  check('relay-compiler compiles pagination, refetching and the sample operations', made.ok, made.text);
}

async function lints() {
  const found = await findings(SCHEMA, schema);
  const { strange, idle } = judge(found);
  const line = (one) => `${one.rule} ${one.place} ${one.message ?? ''}`;
  check('graphql-eslint finds nothing without an exception', strange.length === 0, strange.map(line).join('\n'));
  check('every exception has a finding', idle.length === 0, idle.map(line).join('\n'));
  check('every exception has a reason', EXCEPTIONS.every(({ reason, at }) => reason.length > 20 && at.length > 0));
  // Without exceptions the check must fail, and with an unused exception too.
  const bare = judge(found, []);
  const idler = judge(found, [...EXCEPTIONS, { rule: 'require-description', at: ['Site'], reason: 'none' }]);
  check('a new finding and an unused exception are reported', bare.strange.length === found.length && idler.idle.length === 1);
  console.log(`     ${found.length} findings under ${EXCEPTIONS.length} exceptions`);
}

async function keeps() {
  const [release, now] = [await lastRelease(), await ownVersion()];
  if (!check("the last release's schema and Cargo.toml have a version", release.version && now)) return;
  const since = release.version;
  const { isCompatible, breaking, dangerous } = await judgeContract(release, text, now);
  for (const message of dangerous) console.log(`     dangerous since ${since}: ${message}`);
  for (const message of breaking) console.log(`     breaking since ${since}: ${message}`);
  check(`no breaking change since ${since}, or a new major version (${now})`, isCompatible, breaking.join('\n'));
  // A breaking change must fail unless the major version is new. An addition must pass.
  const bare = text.replace(/^\t*"""\n[^]*?^\t*"""\n/gm, '');
  const compatible = async (to, then, next) => (await judgeContract({ version: then, text: bare }, to, next)).isCompatible;
  for (const [what, before, after] of BREAKS) {
    const broken = bare.replace(before, after);
    const found = broken !== bare && !(await compatible(broken, '1.2.3', '1.3.0')) && !(await compatible(broken, '0.1.0', '0.1.1'));
    check(`${what} fails the check`, found);
    const excused = (await compatible(broken, '1.2.3', '2.0.0')) && (await compatible(broken, '0.1.0', '0.2.0')) && (await compatible(broken, '0.9.0', '1.0.0'));
    check(`${what} passes with a new major version only`, excused && !(await compatible(broken, '2.1.0', '1.9.0')));
  }
  check('an addition passes the check', await compatible(bare.replace(/^type PageInfo \{$/m, '$&\n\tnew: Int'), '1.2.3', '1.2.4'));
}

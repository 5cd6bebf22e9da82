// Schemathesis generates valid and invalid operations from schema.graphql, and sends them to a sandbox and to a gateway
// with production settings.
//
//   node fuzz.mjs COMMONGRAPH SCHEMATHESIS [EXAMPLES] [SEED]
//
// COMMONGRAPH and SCHEMATHESIS are programs. EXAMPLES is the number of operations for each root field. A proxy checks every
// response for secrets and internals. Prints a line for each check. Exits with 1 if a check fails.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { logged, withWitness } from './answers.mjs';
import { attempt, check, report, wanted } from './check.mjs';
import { GENERATED, SCHEMA, UNCACHED, calls, fault, here, post, withSandbox, withServe } from './world.mjs';

const [binary, schemathesis, examples = '50', seed = '1'] = wanted('COMMONGRAPH', 'SCHEMATHESIS');
const SECONDS_MAX = 240;

await mkdir(GENERATED, { recursive: true });
await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    await attempt('the fuzz of the sandbox', () => fuzz('the sandbox', sandbox, sandbox.people.operator));
    await attempt('the fuzz with a failing provider', () => withServe(binary, sandbox, UNCACHED, notices));
    await withServe(binary, sandbox, {}, async (gateway) => {
      await attempt('the fuzz of serve', () => fuzz('production settings', gateway, sandbox.people.operator));
      await attempt('the fuzz without a credential', () => withoutCredential(gateway));
    });
  }),
);
report();

// No operation without a credential causes a provider call.
async function withoutCredential(gateway) {
  const ids = await knownIds(gateway);
  await calls(gateway);
  await fuzz("production's settings, as nobody", gateway, gateway.people.nobody, ids, ['UNAUTHENTICATED']);
  const made = await calls(gateway);
  check('no operation without a credential causes a provider call', made === 0, `${made} calls`);
}

async function fuzz(name, gateway, headers, known, codes) {
  const ids = known ?? (await knownIds(gateway));
  await withWitness(gateway.graph, async (url, seen) => {
    const { code, text } = await run(url, headers, ids, examples, codes);
    const made = Number(text.match(/(\d+) generated/)?.[1] ?? 0);
    check(`schemathesis finds nothing in ${name}`, code === 0, text.slice(-4_000));
    check(`it generates operations for every root field`, /(\d+) selected \/ \1 total/.test(text) && made > 12 * 10, text);
    check(`none of ${seen.answers} responses fails or leaks`, seen.answers >= made && seen.faults.length === 0, seen.faults.slice(0, 5).join('\n'));
  });
  check('the log has no panic and no secret', !logged(gateway.log()), logged(gateway.log()));
}

// Proves that the fuzz finds a failure.
async function notices(sandbox) {
  await fault(sandbox, { provider: 'wordpress', status: 503 });
  const { code, text } = await run(sandbox.graph, sandbox.people.operator, {}, '3');
  check('schemathesis finds a failure that the client did not cause', code === 1 && text.includes('PROVIDER_UNAVAILABLE'), text.slice(-2_000));
  await fault(sandbox);
}

// IDs of existing objects, by argument.
async function knownIds({ graph, people }) {
  const query = `{ connections(first: 12) { edges { cursor } nodes { id providerId kind identity { id providerId } service { id key } sites { id } } }
    applications(first: 4) { edges { cursor } nodes { id providerId } } }`;
  const { answer } = await post(graph, people.operator, { query });
  const { connections, applications } = answer.data;
  const rows = connections.nodes;
  const some = (list) => [...new Set(list.filter(Boolean))];
  return {
    id: some(rows.flatMap((row) => [row.id, row.identity?.id, row.service?.id, row.sites[0]?.id]).concat(applications.nodes.map(({ id }) => id))),
    connectionToken: some(rows.filter(({ kind }) => kind === 'SIGN_IN').map(({ providerId }) => providerId)),
    keyringConnectionId: some(rows.filter(({ kind }) => kind === 'KEYRING').map(({ providerId }) => providerId)),
    identityToken: some(rows.map(({ identity }) => identity?.providerId)),
    connectedApplicationId: applications.nodes.map(({ providerId }) => providerId),
    key: some(rows.map(({ service }) => service?.key)),
    after: connections.edges.concat(applications.edges).map(({ cursor }) => cursor),
  };
}

// `codes` are the error codes that this caller may get in addition to the general ones.
function run(url, headers, ids, count, codes = []) {
  const said = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const parameters = [
    'run', SCHEMA, '--url', url, ...said,
    '--max-examples', count, '--seed', seed, '--workers', '1',
    // A GraphQL field that fails has an error of its own, which the first takes for the server's, and the second knows no
    // limits of a document; ours look at the codes.
    '--exclude-checks', 'not_a_server_error,positive_data_acceptance',
    '--generation-database', 'none', '--no-shrink', '--no-color', '--max-failures', '5',
  ];
  const env = { ...process.env, SCHEMATHESIS_HOOKS: here('fuzz_hooks.py'), COMMONGRAPH_FUZZ_IDS: JSON.stringify(ids), COMMONGRAPH_FUZZ_CODES: codes.join() };
  const options = { cwd: GENERATED, env, maxBuffer: 16 << 20, timeout: SECONDS_MAX * 1_000 };
  return new Promise((done) => {
    execFile(resolve(schemathesis), parameters, options, (error, stdout, stderr) => {
      done({ code: error ? (error.code ?? 1) : 0, text: `${stdout}${stderr}` || error?.message });
    });
  });
}

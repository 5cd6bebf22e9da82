// Rejected requests of ordinary HTTP clients. Each client must get the status, and its next request must work.
//
//   node refusals.mjs COMMONGRAPH PYTHON
//
// COMMONGRAPH is the program. PYTHON is a Python interpreter with urllib3. Sends bodies of up to 10 MB in requests that are
// rejected before their body is read, over persistent connections. The clients are Node (an agent and fetch), Python
// (http.client and urllib3) and curl with HTTP/1.1, and Node and curl with HTTP/2. A client that gets a reset or a broken
// pipe instead of the status fails. Needs curl and openssl. Prints a line for each check. Exits with 1 if a check fails.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { attempt, check, report, wanted } from './check.mjs';
import { here, withSandbox, withServe } from './world.mjs';

const [binary, python] = wanted('COMMONGRAPH', 'PYTHON');
const run = promisify(execFile);

/** Body lengths around the limit (262,144 bytes) and far above it. */
const LENGTHS = [0, 1, 1_000, 100_000, 262_144, 262_145, 1_000_000, 5_000_000, 10_000_000];

/** Requests that are rejected whatever their body is. */
const REFUSED = [
  { status: 401, headers: { 'content-type': 'application/json', authorization: 'Basic nonsense' } },
  { status: 406, headers: { 'content-type': 'application/json', accept: 'text/html' } },
  { status: 415, headers: { 'content-type': 'text/plain' } },
];
const TOO_LARGE = { status: 413, headers: { 'content-type': 'application/json' } };
const ROUNDS = 5;

/** Each rejection with each body length. */
function* cases() {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const length of LENGTHS) {
      for (const refused of REFUSED) yield { ...refused, length };
      if (length > 262_144) yield { ...TOO_LARGE, length };
    }
  }
}

/** Runs every case by `ask`, and a good request after each; `ask` resolves to a status. */
async function checkAll(name, ask) {
  const wrong = [];
  let count = 0;
  for (const { status, headers, length } of cases()) {
    count += 1;
    const seen = await ask(headers, Buffer.alloc(length, 'x')).catch((error) => error.code ?? error.message);
    if (seen !== status) wrong.push(`${length} bytes: ${seen} instead of ${status}`);
    const next = await ask({ 'content-type': 'application/json' }, Buffer.from('{"query":"{ __typename }"}'))
      .catch((error) => error.code ?? error.message);
    if (next !== 200) wrong.push(`after ${status} with ${length} bytes: ${next}`);
  }
  check(`${name}: ${count} refusals are seen, and the next request works`, wrong.length === 0, wrong.join('; '));
}

function byAgent(graph) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return (headers, body) =>
    new Promise((resolve, reject) => {
      const request = http.request(graph, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } });
      request.on('response', (response) => {
        response.on('error', reject);
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject);
      request.end(body);
    });
}

function byFetch(graph) {
  return async (headers, body) => {
    const response = await fetch(graph, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status;
  };
}

// All requests are streams of one session: a session that ends is a failure.
function bySession(session) {
  return (headers, body) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/graphql', ...headers });
      let status;
      stream.on('response', (seen) => (status = seen[':status']));
      // The rest of a body that is not wanted is not sent: the stream is reset without an error.
      stream.on('error', reject).on('close', () => (status ? resolve(status) : reject(new Error('no response'))));
      stream.resume().end(body);
    });
}

async function byCurl(name, url, folder, options) {
  const file = join(folder, 'body');
  const good = ['-H', 'content-type: application/json', '-d', '{"query":"{ __typename }"}', url];
  const show = ['-s', '-o', '/dev/null', '-w', '%{http_code} ', ...options];
  const wrong = [];
  for (const length of LENGTHS) {
    await writeFile(file, Buffer.alloc(length, 'x'));
    for (const { status, headers } of length > 262_144 ? [...REFUSED, TOO_LARGE] : REFUSED) {
      const named = Object.entries(headers).flatMap(([header, value]) => ['-H', `${header}: ${value}`]);
      const sent = [...show, ...named, '--data-binary', `@${file}`, url, '--next', ...show, ...good];
      const seen = await run('curl', sent).then(({ stdout }) => stdout.trim(), (error) => error.message.slice(-200));
      if (seen !== `${status} 200`) wrong.push(`${length} bytes: ${seen} instead of ${status} 200`);
    }
  }
  check(`${name}: refusals are seen, and the next request works`, wrong.length === 0, wrong.join('; '));
}

async function byPython(graph) {
  const parameters = [here('refusals.py'), graph, JSON.stringify([...cases()])];
  const { stdout } = await run(python, parameters).catch((error) => ({ stdout: `${error.stdout}${error.stderr}` }));
  for (const client of ['http.client', 'urllib3']) {
    const line = stdout.split('\n').find((text) => text.startsWith(`${client}: `));
    check(`${client}: refusals are seen, and the next request works`, line === `${client}: good`, line ?? stdout);
  }
}

async function overTls(sandbox, folder) {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [...made, '-subj', '/CN=localhost', '-keyout', key, '-out', certificate]);
  const tls = { COMMONGRAPH_HTTP__TLS__CERTIFICATE_FILE: certificate, COMMONGRAPH_HTTP__TLS__PRIVATE_KEY_FILE: key };
  await withServe(binary, sandbox, tls, async ({ graph }) => {
    const url = graph.replace('http:', 'https:');
    const session = http2.connect(new URL('/', url), { rejectUnauthorized: false });
    await checkAll('Node, HTTP/2', bySession(session));
    session.close();
    await byCurl('curl, HTTP/2', url, folder, ['--insecure', '--http2']);
    await byCurl('curl, HTTP/1.1 and TLS', url, folder, ['--insecure', '--http1.1']);
  });
}

const folder = await mkdtemp(join(tmpdir(), 'refusals-'));
await attempt('the refusals', () =>
  withSandbox(binary, async (sandbox) => {
    await withServe(binary, sandbox, {}, async ({ graph }) => {
      await checkAll("Node's agent", byAgent(graph));
      await checkAll("Node's fetch", byFetch(graph));
      await attempt('Python', () => byPython(graph));
      await byCurl('curl', graph, folder, ['--http1.1']);
      await byCurl('curl without Expect', graph, folder, ['--http1.1', '-H', 'expect:']);
    });
    await attempt('TLS', () => overTls(sandbox, folder));
  }),
);
await rm(folder, { recursive: true });
report();

// Starts a sandbox for a script, and gateways with production settings over it.
//
// This is the only place with the settings of these gateways and the headers of people. The people, their headers and the
// sample operations come from the explorer's tabs.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A path relative to this folder. */
export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The committed schema. */
export const SCHEMA = here('../schema.graphql');

/** The folder for generated files. */
export const GENERATED = here('generated');

const READY_WITHIN_MS = 20_000;

/** The keys of the sandbox's OneAll site. They are invented. */
const ONEALL_KEYS = { public: '00000000-5a4d-4000-a000-000000000001', private: '00000000-5a4d-4000-b000-000000000002' };

/** The secret of the sandbox's JWTs. */
const JWT_SECRET = 'sandbox-secret-known-to-everybody';

/** What no response may contain: secrets and credentials of the sandbox. A JWT starts with `eyJ`. */
export const SECRETS = ['canary', ONEALL_KEYS.private, ONEALL_KEYS.public, JWT_SECRET, 'sandbox-wpcom-', 'sandbox-key-', 'eyJ', 'Basic '];

/** Starts a sandbox, passes it to `use`, and always stops it. */
export async function withSandbox(binary, use) {
  const command = start(binary, ['sandbox', '--listen', '127.0.0.1:0'], {});
  try {
    const greeting = /^ +graph +(\S+)$[^]*^ +wordpress +(\S+)$[^]*^ +oneall +(\S+)$/m;
    const [, graph, wordpress, oneall] = await ready(command, ({ said }) => said.match(greeting));
    const tabs = await readTabs(new URL('/', graph));
    return await use({ graph, wordpress, oneall, tabs, people: people(tabs), log: () => command.log });
  } finally {
    await stop(command);
  }
}

/** Starts `serve` with production settings over a sandbox's providers. `more` has further environment variables. */
export async function withServe(binary, sandbox, more, use) {
  const settings = {
    COMMONGRAPH_WORDPRESS__BASE_URL: sandbox.wordpress,
    COMMONGRAPH_ONEALL__BASE_URL: sandbox.oneall,
    COMMONGRAPH_ONEALL__PUBLIC_KEY: ONEALL_KEYS.public,
    COMMONGRAPH_ONEALL__PRIVATE_KEY: ONEALL_KEYS.private,
    COMMONGRAPH_LOG__FORMAT: 'json',
    ...limits(),
    ...access(sandbox.people),
    ...more,
  };
  const command = start(binary, ['serve', '--listen', '127.0.0.1:0', '--no-explorer'], settings);
  try {
    const [, address] = await ready(command, ({ log }) => log.match(/"address":"([^"]+)"/));
    return await use({ ...sandbox, graph: `http://${address}/graphql`, log: () => command.log });
  } finally {
    await stop(command);
  }
}

/** Settings without a cache, so that no cached data replaces a failure. */
export const UNCACHED = { COMMONGRAPH_WORDPRESS__CACHE__MAX_BYTES: '0', COMMONGRAPH_ONEALL__CACHE__MAX_BYTES: '0' };

// High rate limits: a script sends many requests from one address.
function limits() {
  const budgets = ['ANONYMOUS', 'USER', 'SERVICE', 'ADDRESS'].flatMap((who) => [`${who}_REQUESTS`, `${who}_CALLS`]);
  return Object.fromEntries([...budgets, 'FAILURES'].map((name) => [`COMMONGRAPH_LIMITS__${name}_PER_MINUTE`, '10000000']));
}

// Accepts the JWTs of the sandbox's people, and the service key of the operator.
function access({ operator }) {
  const [, key, id] = operator.Authorization.match(/^Bearer (cg_([a-z0-9]+)_.+)$/);
  const changes = ['synchronize', 'relink', 'delete'].map((name) => `identities:${name}`);
  const scopes = ['connections:read', 'connections:list', 'users:read', 'personal', ...changes].map((name) => `oneall:${name}`);
  const settings = {
    JWT__ISSUER: 'https://sandbox.example',
    JWT__AUDIENCE: 'commongraph',
    JWT__SECRET: JWT_SECRET,
    JWT__ONEALL_USER_CLAIM: 'oneall_user',
    [`KEYS__${id.toUpperCase()}__SERVICE`]: id,
    [`KEYS__${id.toUpperCase()}__SHA256`]: createHash('sha256').update(key).digest('hex'),
    [`KEYS__${id.toUpperCase()}__SCOPES`]: scopes.join(),
    [`KEYS__${id.toUpperCase()}__EXPIRES_AT`]: '2100-01-01T00:00:00Z',
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`COMMONGRAPH_ACCESS__${name}`, value]));
}

/** Sends one operation as JSON and returns the response. */
export async function post(graph, headers, body) {
  const response = await fetch(graph, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

/** Sets the faults of the sandbox; none removes all. */
export async function fault(sandbox, ...faults) {
  const response = await fetch(`${sandbox.wordpress}/__sandbox/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(faults),
  });
  if (!response.ok) throw new Error(`the sandbox rejected the fault: ${await response.text()}`);
}

/** The number of provider calls since the previous call of this function. */
export async function calls(sandbox) {
  const log = `${sandbox.wordpress}/__sandbox/requests?rows=false`;
  const { total } = await (await fetch(log)).json();
  await fetch(log, { method: 'DELETE' });
  return total;
}

/** The sample operations by operation name. */
export function sampleOperations(tabs) {
  return Object.fromEntries(tabs.map(({ query }) => [query.match(/^(?:query|mutation) (\w+)/)[1], query]));
}

function people(tabs) {
  const others = { 'Accounts page': 'operator', 'Take back': 'operator', Callback: 'login' };
  const named = (title) => others[title] ?? title.match(/^As (?:the )?(\w+)$/)[1];
  return Object.fromEntries(tabs.map(({ title, headers }) => [named(title), headers ? JSON.parse(headers) : {}]));
}

async function readTabs(explorer) {
  const page = await (await fetch(explorer)).text();
  return JSON.parse(page.match(/id="explorer-settings">(.*?)<\/script>/s)[1]).tabs;
}

// The program does not inherit settings from the environment of the script.
function start(binary, parameters, settings) {
  const theirs = Object.entries(process.env).filter(([name]) => !name.startsWith('COMMONGRAPH_'));
  const env = { ...Object.fromEntries(theirs), ...settings };
  const child = spawn(binary, parameters, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const command = Object.assign(child, { said: '', log: '' });
  child.stdout.on('data', (part) => (command.said += part));
  child.stderr.on('data', (part) => (command.log += part));
  return command;
}

function ready(command, find) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`the program ${why}: ${command.said}${command.log}`));
    const timer = setTimeout(() => fail('did not become ready'), READY_WITHIN_MS);
    const look = () => {
      const found = find(command);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    };
    command.stdout.on('data', look);
    command.stderr.on('data', look);
    command.once('error', (error) => fail(error.message));
    command.once('exit', (code) => fail(`exited with ${code}`));
  });
}

async function stop(command) {
  if (command.exitCode === null && command.signalCode === null && command.pid) {
    const ended = once(command, 'exit');
    command.kill('SIGTERM');
    const timer = setTimeout(() => command.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }
}

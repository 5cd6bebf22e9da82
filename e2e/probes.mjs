// The requests of GraphQL security scanners, sent to a sandbox and to a gateway with production settings.
//
//   node probes.mjs COMMONGRAPH
//
// COMMONGRAPH is the program. No response may be a server error or reveal internals. With production settings, probes without
// a credential must find nothing, nor may those of a service if introspection is off. The sandbox allows introspection, and
// so does production for a service; there, some probes must find the schema. Prints a line for each check. Exits with 1
// if a check fails.

import { fault, logged } from './answers.mjs';
import { attempt, check, report, wanted } from './check.mjs';
import { ODDITIES, PROBES } from './attacks.mjs';
import { calls, here, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');

/** The probes that must find something in a sandbox. */
const OPEN = PROBES.filter(({ open }) => open).map(({ title }) => title);

await attempt('the response check', sees);
await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    await attempt('the sandbox', () => probe('the sandbox', sandbox, sandbox.people.operator, OPEN));
    await withServe(binary, sandbox, {}, async (gateway) => {
      await calls(sandbox);
      await attempt('without a credential', () => probe('production settings, without a credential', gateway, sandbox.people.nobody, []));
      const made = await calls(sandbox);
      // One probe sends a WordPress.com token, which the gateway checks with the provider.
      check('production settings, without a credential: no provider call', made <= 1, `${made} calls`);
      await attempt('a service', () => probe('production settings, as a service', gateway, sandbox.people.operator, ['introspection']));
    });
    const closed = { COMMONGRAPH_GRAPH__INTROSPECTION: 'none' };
    await withServe(binary, sandbox, closed, (gateway) => attempt('serve', () => probe('closed settings, as a service', gateway, sandbox.people.operator, [])));
  }),
);
report();

// Proves that the response check finds problems.
function sees() {
  const of = (text, status = 200, headers = {}) => fault({ status, headers, text });
  const told = [
    of('', 500), of('thread panicked at src/main.rs:1'), of('{"x":"expected value at line 1 column 1"}'), of('{"x":"canary"}'),
    of(here('src')), of('', 200, { server: 'x' }), of('', 200, { 'x-token': 'sandbox-wpcom-ada' }),
  ];
  check('the check finds a failure, a panic, a secret, a path and a header', told.every(Boolean), told.join());
  check('the check accepts an ordinary response', of('{"data":{"__typename":"Query"}}') === undefined);
}

// `open` has the titles of the probes that must find something with these settings and this caller.
async function probe(name, { graph, log }, headers, open) {
  const seen = [];
  const send = async (request) => {
    const answer = await ask(graph, headers, request);
    // The sandbox's explorer page contains the headers of its people on purpose.
    const isExplorer = open === OPEN && answer.status === 200 && answer.headers['content-type']?.startsWith('text/html');
    const wrong = isExplorer ? undefined : fault(answer);
    seen.push(answer.status);
    if (wrong) check(`${name}: the response to ${JSON.stringify(request).slice(0, 120)}`, false, wrong);
    return answer;
  };
  for (const { title, finds } of PROBES) {
    const found = await finds(send);
    const wanted = open.includes(title);
    check(`${name}: ${wanted ? 'finds' : 'finds nothing with'} ${title}`, Boolean(found) === wanted, found || 'nothing was found');
  }
  for (const request of ODDITIES) await send(request);
  const after = await send({ body: { query: '{ providers { provider } connections(first: 1) { totalCount } }' } });
  const [rows, isNobody] = [after.json?.data?.connections?.totalCount ?? 0, Object.keys(headers).length === 0];
  check(`${name}: responds normally afterwards`, after.json?.data?.providers.length === 2 && rows > 0 !== isNobody, after.text);
  check(`${name}: ${seen.length} responses without a server error`, seen.every((status) => status < 500), seen.join());
  check(`${name}: the log has no panic and no secret`, !logged(log()), logged(log()));
}

// Sends one request. `raw` is sent unchanged, `body` as JSON.
async function ask(graph, person, { method = 'POST', path, body, raw, headers = {}, search }) {
  const address = new URL(path ?? graph, graph);
  if (search) address.search = new URLSearchParams(search);
  const json = raw === undefined && body !== undefined;
  const response = await fetch(address, {
    method,
    redirect: 'manual',
    headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...person, ...headers },
    body: json ? JSON.stringify(body) : raw,
  });
  const text = await response.text();
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), text };
  try {
    return { ...answer, json: JSON.parse(text) };
  } catch {
    return answer;
  }
}

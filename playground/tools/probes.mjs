// What scanners of GraphQL servers try, tried on a sandbox and on a gateway with production's settings.
//
//   node probes.mjs COMMONGRAPH
//
// COMMONGRAPH is the command. No answer may be a failure of the server or tell of its insides. In production's settings
// nobody may find anything, nor a service where introspection is off; the sandbox is open in what it says of itself, and
// a service may ask for the schema, so some probes must find just that. Prints a line for each check and exits with 1 if
// one failed.

import { fault, logged } from './answers.mjs';
import { attempt, check, report, wanted } from './check.mjs';
import { ODDITIES, PROBES } from './attacks.mjs';
import { calls, here, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');

/** What a sandbox tells of itself, so that one can look around. */
const OPEN = PROBES.filter(({ open }) => open).map(({ title }) => title);

await attempt('the eye', sees);
await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    await attempt('the sandbox', () => probe('the sandbox', sandbox, sandbox.people.operator, OPEN));
    await withServe(binary, sandbox, {}, async (gateway) => {
      await calls(sandbox);
      await attempt('nobody', () => probe("production's settings, as nobody", gateway, sandbox.people.nobody, []));
      const made = await calls(sandbox);
      // One probe shows a WordPress.com token, which the provider is asked about.
      check("production's settings, as nobody: nothing is asked of a provider", made <= 1, `${made} calls`);
      await attempt('a service', () => probe("production's settings, as a service", gateway, sandbox.people.operator, ['introspection']));
    });
    const closed = { COMMONGRAPH_GRAPH__INTROSPECTION: 'none' };
    await withServe(binary, sandbox, closed, (gateway) => attempt('serve', () => probe('closed settings, as a service', gateway, sandbox.people.operator, [])));
  }),
);
report();

// Without this, an eye that sees nothing would pass everything.
function sees() {
  const of = (text, status = 200, headers = {}) => fault({ status, headers, text });
  const told = [
    of('', 500), of('thread panicked at src/main.rs:1'), of('{"x":"expected value at line 1 column 1"}'), of('{"x":"canary"}'),
    of(here('src')), of('', 200, { server: 'x' }), of('', 200, { 'x-token': 'sandbox-wpcom-ada' }),
  ];
  check('a failure, a panic, a secret, a place and a header would be seen', told.every(Boolean), told.join());
  check('and a plain answer is let by', of('{"data":{"__typename":"Query"}}') === undefined);
}

// `open` are the titles of the probes that must find something: what this gateway means to tell this caller.
async function probe(name, { graph, log }, headers, open) {
  const seen = [];
  const send = async (request) => {
    const answer = await ask(graph, headers, request);
    // The sandbox's explorer brings its people's headers, so that one can ask as each of them.
    const isExplorer = open === OPEN && answer.status === 200 && answer.headers['content-type']?.startsWith('text/html');
    const wrong = isExplorer ? undefined : fault(answer);
    seen.push(answer.status);
    if (wrong) check(`${name}: an answer to ${JSON.stringify(request).slice(0, 120)}`, false, wrong);
    return answer;
  };
  for (const { title, finds } of PROBES) {
    const found = await finds(send);
    const wanted = open.includes(title);
    check(`${name}: ${wanted ? 'tells' : 'nothing by'} ${title}`, Boolean(found) === wanted, found || 'nothing was found');
  }
  for (const request of ODDITIES) await send(request);
  const after = await send({ body: { query: '{ providers { provider } connections(first: 1) { totalCount } }' } });
  const [rows, isNobody] = [after.json?.data?.connections?.totalCount ?? 0, Object.keys(headers).length === 0];
  check(`${name}: answers as ever afterwards`, after.json?.data?.providers.length === 2 && rows > 0 !== isNobody, after.text);
  check(`${name}: ${seen.length} answers, none a failure of the server`, seen.every((status) => status < 500), seen.join());
  check(`${name}: the log has no panic and no secret`, !logged(log()), logged(log()));
}

// One request; `raw` is sent as it is, `body` as JSON.
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

// What scanners of GraphQL servers try, tried on a sandbox and on a gateway with production's settings.
//
//   node probes.mjs COMMONGRAPH
//
// COMMONGRAPH is the command. No answer may be a failure of the server or tell of its insides. In production's settings
// nothing may be found; the sandbox is open in what it says of itself, so some probes must find just that. Prints a line
// for each check and exits with 1 if one failed.

import { fault, logged } from './answers.mjs';
import { attempt, check, report, wanted } from './check.mjs';
import { ODDITIES, PROBES } from './attacks.mjs';
import { here, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');

await attempt('the eye', sees);
await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    await attempt('the sandbox', () => probe('the sandbox', sandbox, true));
    await withServe(binary, sandbox, {}, (gateway) => attempt('serve', () => probe("production's settings", gateway, false)));
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

async function probe(name, { graph, people, log }, isOpen) {
  const seen = [];
  const send = async (request) => {
    const answer = await ask(graph, people.operator, request);
    // The sandbox's explorer brings its people's headers, so that one can ask as each of them.
    const isExplorer = isOpen && answer.status === 200 && answer.headers['content-type']?.startsWith('text/html');
    const wrong = isExplorer ? undefined : fault(answer);
    seen.push(answer.status);
    if (wrong) check(`${name}: an answer to ${JSON.stringify(request).slice(0, 120)}`, false, wrong);
    return answer;
  };
  for (const { title, open, finds } of PROBES) {
    const found = await finds(send);
    const wanted = isOpen && open;
    check(`${name}: ${wanted ? 'tells' : 'nothing by'} ${title}`, Boolean(found) === Boolean(wanted), found || 'nothing was found');
  }
  for (const request of ODDITIES) await send(request);
  const after = await send({ body: { query: '{ connections(first: 1) { totalCount } }' } });
  check(`${name}: answers as ever afterwards`, after.status === 200 && after.json?.data?.connections.totalCount > 0, after.text);
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

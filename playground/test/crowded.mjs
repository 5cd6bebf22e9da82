// More clients at once than the gateway has seats for connections (1,024): is everybody told something, and are others
// served while silent ones hold all seats?
//
//   node crowded.mjs GRAPH_URL PROVIDER_URL [CONNECTIONS=1500] [WITHIN=12]
//
// Both URLs are those of a sandbox on 127.0.0.1, which it prints at its start. The clients come from addresses of their
// own (127.0.0.2 and on), so few from each that no bound of one address is met. Prints a line for each check with its
// figures, and exits with 1 if one failed.

import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const [graph, provider, count = 1_500, within = 12] = process.argv.slice(2);
if (!provider || ![graph, provider].every((url) => new URL(url).hostname === '127.0.0.1')) {
  console.error('usage: node crowded.mjs GRAPH_URL PROVIDER_URL [CONNECTIONS] [WITHIN], both on 127.0.0.1');
  process.exit(2);
}
const { hostname, port } = new URL(graph);
const PER_ADDRESS = 100;
// Of a number that nobody has asked for, so that nothing of it is kept.
const SLOW = `{ connection(by: {keyringConnectionId: ${1e9 + Math.floor(Math.random() * 1e9)}}) { label } }`;
const all = Array.from({ length: Number(count) }, (_, at) => `127.0.0.${2 + Math.floor(at / PER_ADDRESS)}`);

function report(what, isGood, seen) {
  console.log(`${isGood ? 'good' : 'bad '} ${what}: ${seen}`);
  if (!isGood) process.exitCode = 1;
}

/** Asks once on a connection of its own: `{ status, again, seconds }`, status 0 if there is no whole answer. */
function ask(localAddress, query, headers = {}) {
  const began = performance.now();
  const body = JSON.stringify({ query });
  const options = { method: 'POST', agent: false, localAddress, headers: { 'content-type': 'application/json', ...headers } };
  return new Promise((resolve) => {
    const end = (status, again) => resolve({ status, again, seconds: (performance.now() - began) / 1_000 });
    const asking = request(graph, options, (answer) => {
      answer.resume();
      answer.on('end', () => end(answer.complete ? answer.statusCode : 0, answer.headers['retry-after']));
      answer.on('error', () => end(0));
    });
    asking.on('error', () => end(0));
    asking.end(body);
  });
}

/** How many answers are whole, how many say when to come again, how many are neither, and the longest wait in seconds. */
function tell(answers) {
  const served = answers.filter(({ status }) => status === 200).length;
  const shed = answers.filter(({ status, again }) => status === 503 && Number(again) > 0).length;
  const longest = Math.max(...answers.map(({ seconds }) => seconds));
  const lost = answers.length - served - shed;
  return { served, shed, lost, text: `${served} answered, ${shed} told by 503 when to come again, ${lost} lost, ${longest.toFixed(1)} s at most` };
}

/** All ask at once what the provider takes a second for. */
async function asking() {
  const faults = `${provider}/__sandbox/faults`;
  await fetch(faults, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '[{ "latency_ms": 1000 }]' });
  const answers = await Promise.all(all.map((address) => ask(address, SLOW, { 'x-wordpress-token': 'sandbox-wpcom-olga' })));
  await fetch(faults, { method: 'DELETE' });
  const { served, shed, lost, text } = tell(answers);
  report(`${all.length} ask at once`, served > 0 && shed > 0 && lost === 0, text);
}

/** All say nothing, or half of a head, while others ask. */
async function silent() {
  let closed = 0;
  const ended = all.map((localAddress, at) => new Promise((resolve) => {
    const socket = connect({ host: hostname, port, localAddress }, () => at % 2 && socket.write('GET /graphql HTTP/1.1\r\nhost: '));
    socket.on('error', () => {});
    socket.on('close', () => resolve((closed += 1)));
    socket.resume();
  }));
  const began = performance.now();
  const [waiting, open] = [[], () => closed < all.length && performance.now() - began < 2_000 * within];
  while (open()) {
    waiting.push(ask('127.0.0.1', '{ __typename }'));
    await pause(200);
  }
  const took = (performance.now() - began) / 1_000;
  report(`${all.length} are silent`, closed === all.length && took <= within + 3, `${closed} closed within ${took.toFixed(1)} s`);
  if (closed === all.length) await Promise.all(ended);
  const answers = await Promise.all(waiting);
  const { served, lost, text } = tell(answers);
  const slow = answers.filter(({ seconds }) => seconds > within).length;
  report('others meanwhile', served > 0 && lost === 0 && slow === 0, text);
}

await asking();
await silent();
process.exit();

// More clients at once than the gateway's connection limit (1,024). Every client must get a response, and other clients
// must be served while silent clients use all connections.
//
//   node crowded.mjs GRAPH_URL PROVIDER_URL [CONNECTIONS=1500] [WITHIN=12]
//
// Both URLs are those of a sandbox on 127.0.0.1. The clients connect from other loopback addresses (127.0.0.2 and up), few
// enough from each to stay below the limit per address. Prints a line with figures for each check. Exits with 1 if a
// check fails.

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
// A random ID, so that the response is not cached.
const SLOW = `{ connection(by: {keyringConnectionId: ${1e9 + Math.floor(Math.random() * 1e9)}}) { label } }`;
const all = Array.from({ length: Number(count) }, (_, at) => `127.0.0.${2 + Math.floor(at / PER_ADDRESS)}`);

function report(what, isGood, seen) {
  console.log(`${isGood ? 'pass' : 'FAIL'} ${what}: ${seen}`);
  if (!isGood) process.exitCode = 1;
}

/** Sends one request on a new connection: `{ status, retryAfter, seconds }`. The status is 0 without a complete response. */
function send(localAddress, query, headers = {}) {
  const began = performance.now();
  const body = JSON.stringify({ query });
  const options = { method: 'POST', agent: false, localAddress, headers: { 'content-type': 'application/json', ...headers } };
  return new Promise((resolve) => {
    const end = (status, retryAfter) => resolve({ status, retryAfter, seconds: (performance.now() - began) / 1_000 });
    const outgoing = request(graph, options, (answer) => {
      answer.resume();
      answer.on('end', () => end(answer.complete ? answer.statusCode : 0, answer.headers['retry-after']));
      answer.on('error', () => end(0));
    });
    outgoing.on('error', () => end(0));
    outgoing.end(body);
  });
}

/** Counts the served, rejected (503 with `Retry-After`) and lost requests, with the longest duration in seconds. */
function summarize(answers) {
  const served = answers.filter(({ status }) => status === 200).length;
  const rejected = answers.filter(({ status, retryAfter }) => status === 503 && Number(retryAfter) > 0).length;
  const longest = Math.max(...answers.map(({ seconds }) => seconds));
  const lost = answers.length - served - rejected;
  return { served, rejected, lost, text: `${served} served, ${rejected} rejected with 503 and Retry-After, ${lost} lost, at most ${longest.toFixed(1)} s` };
}

/** All clients send a request at once, for which the provider needs a second. */
async function manyRequests() {
  const faults = `${provider}/__sandbox/faults`;
  await fetch(faults, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '[{ "latency_ms": 1000 }]' });
  const answers = await Promise.all(all.map((address) => send(address, SLOW, { 'x-wordpress-token': 'sandbox-wpcom-olga' })));
  await fetch(faults, { method: 'DELETE' });
  const { served, rejected, lost, text } = summarize(answers);
  report(`${all.length} requests at once`, served > 0 && rejected > 0 && lost === 0, text);
}

/** All clients connect and send nothing or half a request head, while others send requests. */
async function silentConnections() {
  let closed = 0;
  const ended = all.map((localAddress, at) => new Promise((resolve) => {
    const socket = connect({ host: hostname, port, localAddress }, () => at % 2 && socket.write('GET /graphql HTTP/1.1\r\nhost: '));
    socket.on('error', () => {});
    socket.on('close', () => resolve((closed += 1)));
    socket.resume();
  }));
  const began = performance.now();
  const waiting = [];
  const open = () => closed < all.length && performance.now() - began < 2_000 * within;
  while (open()) {
    waiting.push(send('127.0.0.1', '{ __typename }'));
    await pause(200);
  }
  const took = (performance.now() - began) / 1_000;
  report(`${all.length} silent connections`, closed === all.length && took <= within + 3, `${closed} closed within ${took.toFixed(1)} s`);
  if (closed === all.length) await Promise.all(ended);
  const answers = await Promise.all(waiting);
  const { served, lost, text } = summarize(answers);
  const slow = answers.filter(({ seconds }) => seconds > within).length;
  report('other requests meanwhile', served > 0 && lost === 0 && slow === 0, text);
}

await manyRequests();
await silentConnections();
process.exit();

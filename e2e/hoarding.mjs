// Clients that hold every connection of the gateway (1,024) and reopen each one that is closed. Others must be served.
//
//   node hoarding.mjs GRAPH_URL [SECONDS=60] [ADDRESSES=20] [CONNECTIONS=60]
//
// GRAPH_URL is that of a sandbox on 127.0.0.1. Each address (127.0.0.10 and up) holds this many connections. Half of them
// send a cheap request every 4 s, and half are silent. Meanwhile another address requests health once a second and 30
// pages, each on a new connection. A third address requests pages on one persistent connection. Prints a line with figures
// for each check. Exits with 1 if a check fails.

import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const [graph, seconds = 60, addresses = 20, each = 60] = process.argv.slice(2);
if (!graph || new URL(graph).hostname !== '127.0.0.1') {
  console.error('usage: node hoarding.mjs GRAPH_URL [SECONDS] [ADDRESSES] [CONNECTIONS], on 127.0.0.1');
  process.exit(2);
}
const { hostname, port, origin } = new URL(graph);
const PAGES = 30;
const LONGEST = 1;
const POLITE_EVERY = 4_000;
const AGAIN_AFTER = 100;
const PAGE = '/graphql?query=%7B__typename%7D';
const CHEAP = `GET ${PAGE} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
const hoarding = { open: 0, opened: 0, answered: 0, isOver: false };

/** Holds one connection for as long as the test runs. */
function hold(localAddress, isPolite) {
  const socket = connect({ host: hostname, port, localAddress });
  const ask = () => socket.write(CHEAP);
  let asking;
  socket.on('connect', () => {
    hoarding.open += 1;
    hoarding.opened += 1;
    socket.on('close', () => (hoarding.open -= 1));
    if (!isPolite) return;
    ask();
    asking = setInterval(ask, POLITE_EVERY);
  });
  socket.on('data', (data) => (hoarding.answered += data.toString().split('HTTP/1.1 200').length - 1));
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(asking);
    if (!hoarding.isOver) setTimeout(hold, AGAIN_AFTER, localAddress, isPolite);
  });
}

/** Asks once: `{ status, seconds }`, status 0 if there is no whole answer. */
function ask(path, localAddress, agent = false) {
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status) => resolve({ status, seconds: (performance.now() - began) / 1_000 });
    const asking = request(origin + path, { agent, localAddress }, (answer) => {
      answer.resume();
      answer.on('end', () => end(answer.complete ? answer.statusCode : 0));
      answer.on('error', () => end(0));
    });
    asking.on('error', () => end(0));
    asking.setTimeout(20_000, () => asking.destroy());
    asking.end();
  });
}

/** Asks so often, evenly over the time of the test, without waiting for the answer before. */
async function askOften(times, paths, localAddress, agent) {
  const answers = [];
  for (let n = 0; n < times; n += 1) {
    answers.push(ask(paths[n % paths.length], localAddress, agent));
    await pause((seconds * 1_000) / times);
  }
  return Promise.all(answers);
}

function report(what, answers) {
  const good = answers.filter((answer) => answer.status === 200 && answer.seconds <= LONGEST).length;
  const longest = Math.max(...answers.map((answer) => answer.seconds));
  const isGood = good === answers.length;
  console.log(`${isGood ? 'good' : 'bad '} ${what}: ${good} of ${answers.length} within ${LONGEST} s, ${longest.toFixed(2)} s at most`);
  if (!isGood) process.exitCode = 1;
}

for (let n = 0; n < addresses * each; n += 1) hold(`127.0.0.${10 + (n % addresses)}`, Math.floor(n / addresses) % 2 === 0);
await pause(2_000);
const atFirst = hoarding.open;
const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
const [health, pages, kept] = await Promise.all([
  askOften(Number(seconds), ['/health/live', '/health/ready'], '127.0.0.2'),
  askOften(PAGES, [PAGE], '127.0.0.3'),
  askOften(Math.ceil(seconds / 2), [PAGE], '127.0.0.4', keepAlive),
]);
hoarding.isOver = true;
const holders = `${addresses} addresses hold ${atFirst} connections at first and ${hoarding.open} in the end`;
console.log(`     ${holders}, opened ${hoarding.opened}, were answered ${hoarding.answered} times`);
report('health meanwhile', health);
report('pages meanwhile, each on a new connection', pages);
report('pages meanwhile, on one connection', kept);
process.exit();

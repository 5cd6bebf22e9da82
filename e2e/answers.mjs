// What no response of a gateway may contain, and a proxy that checks every response.

import http from 'node:http';
import { homedir } from 'node:os';
import { here, SECRETS } from './world.mjs';

/** Signs of internals in a response: the language, libraries, and paths of the machine. */
const INSIDES =
  /panick|\.rs\b|RUST_|async[-_]graphql|apollo[-_]compiler|\bserde|\btokio\b|\bhyper\b|reqwest|\baxum\b|called `|unwrap\(|back ?trace|stack ?trace|at line \d+ column \d+|invalid type: |os error|\/etc\/passwd|root:x:/i;

/** The problem with a response; undefined without one. */
export function fault({ status, headers, text }) {
  if (status >= 500) return `status ${status}: ${text.slice(0, 300)}`;
  const all = `${JSON.stringify(Object.fromEntries(Object.entries(headers)))}\n${text}`;
  const secret = SECRETS.find((one) => all.includes(one));
  if (secret) return `the secret ${secret}`;
  const place = [here('..').replace(/\/$/, ''), homedir(), '/home/', '/proc/'].find((one) => one.length > 1 && all.includes(one));
  if (place) return `the place ${place}`;
  const inside = all.match(INSIDES);
  if (inside) return `internal text ${all.slice(Math.max(0, inside.index - 60), inside.index + 80)}`;
  const own = Object.keys(headers).find((name) => ['server', 'x-powered-by', 'via'].includes(name));
  return own && `the header ${own}`;
}

/** The problem with a log: a panic or a secret. */
export function logged(log) {
  const secret = SECRETS.find((one) => log.includes(one));
  if (secret) return `the log has ${secret}`;
  const panic = log.match(/^.*panick.*$/m);
  return panic?.[0];
}

/** A proxy in front of a gateway that records the problems with its responses. */
export async function withWitness(graph, use) {
  const seen = { answers: 0, faults: [] };
  const server = http.createServer((request, response) => {
    const onward = http.request(new URL(request.url, graph), { method: request.method, headers: request.headers });
    onward.on('response', async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      const body = Buffer.concat(parts);
      seen.answers += 1;
      const wrong = fault({ status: answer.statusCode, headers: answer.headers, text: body.toString() });
      if (wrong) seen.faults.push(wrong);
      response.writeHead(answer.statusCode, answer.headers);
      response.end(body);
    });
    onward.on('error', (error) => {
      seen.faults.push(`no response: ${error.message}`);
      response.destroy();
    });
    // A compressed response could not be checked.
    onward.removeHeader('accept-encoding');
    onward.setHeader('host', new URL(graph).host);
    request.pipe(onward);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  try {
    return await use(`http://127.0.0.1:${server.address().port}${new URL(graph).pathname}`, seen);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

// Tries, from a page of another origin in Chromium, everything that a browser sends without a preflight.
//
//   node csrf.mjs GRAPH_URL PROVIDER_URL
//
// PROVIDER_URL is a sandbox's provider, which counts what it is asked: no attempt may make the gateway ask. A query by
// GET is the one request that is answered; the page must not be able to read it. Prints a line for each check and exits
// with 1 if one failed.

import http from 'node:http';
import { chromium } from 'playwright-core';

const [target, provider] = process.argv.slice(2);
if (!target || !provider) {
  console.error('usage: node csrf.mjs GRAPH_URL PROVIDER_URL');
  process.exit(2);
}

// Costs calls where it is executed for whoever has the key below.
const query = '{ connections(first: 3) { totalCount nodes { identity { displayName } } } }';
// The sandbox's service with every scope. No browser brings it along by itself; the relay adds it to all that passes, so
// that nothing here is refused for want of a credential only.
const key = 'Bearer cg_shop_sandbox-key-of-the-shop-with-all-its-scope0';
const mutation = 'mutation { __typename }';
const counters = `${provider}/__sandbox/requests`;

let passed = 0;
let failed = 0;
function check(name, isTrue, detail = '') {
  console.log(`${isTrue ? 'pass' : 'FAIL'} ${name}${isTrue || !detail ? '' : `: ${detail}`}`);
  if (isTrue) passed += 1;
  else failed += 1;
}

async function calls() {
  const { counts } = await (await fetch(counters)).json();
  await fetch(counters, { method: 'DELETE' });
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

// Stands before the graph and hands everything on, to see also the answers that the browser hides from everybody.
const statuses = [];
const witness = http.createServer((request, response) => {
  const onward = http.request(target + new URL(request.url, target).search, { method: request.method, headers: { ...request.headers, authorization: key } });
  onward.on('response', (answer) => {
    statuses.push(answer.statusCode);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});
await new Promise((ready) => witness.listen(0, '127.0.0.1', ready));
const graph = `http://127.0.0.1:${witness.address().port}/graphql`;

const other = http.createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>another origin</title><p>another origin</p>');
});
await new Promise((ready) => other.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${other.address().port}/`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});

try {
  await countersCount();
  for (const attempt of attempts()) await refused(attempt);
  await unreadable();
  await preflighted();
} catch (error) {
  check('the tries came to their end', false, error.stack);
} finally {
  await browser.close();
  other.close();
  witness.close();
  witness.closeAllConnections();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

// Without this, counters that never move would pass everything.
async function countersCount() {
  await calls();
  const response = await fetch(graph, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  await response.text();
  check('a plain request costs calls that the provider counts', (await calls()) > 0);
}

function attempts() {
  const json = JSON.stringify({ query });
  const send = (name, options) => ({ name, run: sendInPage, argument: { url: graph, options } });
  const form = (name, encoding, fields, url = graph) => ({ name, run: submitForm, argument: { url, encoding, fields } });
  const text = `{"query": ${JSON.stringify(query)}, "x": "`;
  return [
    form('a form, urlencoded', 'application/x-www-form-urlencoded', [['query', query]]),
    form('a form, multipart', 'multipart/form-data', [['query', query]]),
    form('a form, multipart as uploads are sent', 'multipart/form-data', [['operations', json], ['map', '{}']]),
    form('a form whose plain text is JSON', 'text/plain', [[text, '"}']]),
    form('a form with the query in the address', 'application/x-www-form-urlencoded', [], `${graph}?query=${encodeURIComponent(query)}`),
    send('fetch with text/plain', { method: 'POST', body: json, headers: { 'content-type': 'text/plain' } }),
    send('fetch with text/plain that names JSON', { method: 'POST', body: json, headers: { 'content-type': 'text/plain; charset=application/json' } }),
    send('fetch in no-cors mode that asks for JSON', { mode: 'no-cors', method: 'POST', body: json, headers: { 'content-type': 'application/json' } }),
    send('fetch in no-cors mode with urlencoded', { mode: 'no-cors', method: 'POST', body: json, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    { name: 'fetch without a type', run: sendBlob, argument: { url: graph, body: json } },
    { name: 'a beacon', run: sendBeacon, argument: { url: graph, body: json } },
    { name: 'fetch of a mutation by GET', run: sendInPage, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}`, options: { mode: 'no-cors' } } },
    { name: 'an image whose address is a mutation', run: loadImage, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}` } },
    { name: 'an address that is a mutation', run: openAddress, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}` } },
  ];
}

// One try in a page of its own: every answer it got must be a refusal, and no provider may have been asked.
async function refused({ name, run, argument }) {
  const page = await browser.newPage();
  await page.goto(origin);
  statuses.length = 0;
  // A page that goes elsewhere takes the result of what it ran with it.
  await page.evaluate(run, argument).catch(() => {});
  for (let waited = 0; statuses.length === 0 && waited < 5_000; waited += 50) await page.waitForTimeout(50);
  await page.waitForTimeout(100);
  const asked = await calls();
  const isRefused = statuses.length > 0 && statuses.every((status) => status >= 400 && status < 500);
  check(`${name} is refused and asks no provider`, isRefused && asked === 0, `statuses ${statuses.join()}, ${asked} calls`);
  await page.close();
}

// A query by GET changes nothing; what it answers stays hidden from the page.
async function unreadable() {
  const page = await browser.newPage();
  await page.goto(origin);
  const url = `${graph}?query=${encodeURIComponent(query)}`;
  const seen = await page.evaluate(async (address) => {
    const plain = await fetch(address).then((response) => response.text(), () => 'hidden');
    const opaque = await fetch(address, { mode: 'no-cors' }).then((response) => response.text(), () => '');
    const frame = document.createElement('iframe');
    frame.src = address;
    const framed = await new Promise((resolve) => {
      frame.onload = () => {
        try {
          resolve(frame.contentDocument?.body.innerText ?? 'hidden');
        } catch {
          resolve('hidden');
        }
      };
      document.body.append(frame);
    });
    const script = document.createElement('script');
    script.src = address;
    const ran = await new Promise((resolve) => {
      script.onload = () => resolve('ran');
      script.onerror = () => resolve('hidden');
      document.body.append(script);
    });
    return { plain, opaque, framed, ran };
  }, url);
  check('a query by GET cannot be read by fetch', seen.plain === 'hidden', seen.plain);
  check('nor in no-cors mode', seen.opaque === '', seen.opaque);
  check('nor in a frame', seen.framed === 'hidden', seen.framed);
  await page.close();
  await calls();
}

async function preflighted() {
  const page = await browser.newPage();
  await page.goto(origin);
  const json = { method: 'POST', body: JSON.stringify({ query }), headers: { 'content-type': 'application/json' } };
  statuses.length = 0;
  const seen = await page.evaluate(([url, options]) => fetch(url, options).then((response) => response.text(), () => 'blocked'), [graph, json]);
  const asked = await calls();
  const isBlocked = seen === 'blocked' && statuses.join() === '405' && asked === 0;
  check('a request as JSON is blocked by its preflight', isBlocked, `${seen}, statuses ${statuses.join()}, ${asked} calls`);
  await page.close();
}

// What follows runs in the page.

function sendInPage({ url, options }) {
  return fetch(url, { credentials: 'include', ...options }).then(() => {}, () => {});
}

function sendBlob({ url, body }) {
  return fetch(url, { mode: 'no-cors', method: 'POST', body: new Blob([body]) }).then(() => {}, () => {});
}

function sendBeacon({ url, body }) {
  navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }));
}

function submitForm({ url, encoding, fields }) {
  const form = Object.assign(document.createElement('form'), { action: url, method: 'POST', enctype: encoding });
  for (const [name, value] of fields) form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  form.submit();
}

function loadImage({ url }) {
  document.body.append(Object.assign(new Image(), { src: url }));
}

function openAddress({ url }) {
  location.href = url;
}

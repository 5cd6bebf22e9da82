// Sends, from a page of another origin in Chromium, every kind of request that a browser sends without a preflight.
//
//   node csrf.mjs GRAPH_URL PROVIDER_URL
//
// PROVIDER_URL is a provider of the sandbox, which counts requests: no attempt may cause a provider call. A query by GET is
// the only request that gets data, and the page must not be able to read it. Prints a line for each check. Exits with 1
// if a check fails.

import http from 'node:http';
import { chromium } from 'playwright-core';

const [target, provider] = process.argv.slice(2);
if (!target || !provider) {
  console.error('usage: node csrf.mjs GRAPH_URL PROVIDER_URL');
  process.exit(2);
}

// Causes provider calls if it is executed with the key below.
const query = '{ connections(first: 3) { totalCount nodes { identity { displayName } } } }';
// The key of the sandbox's service with every scope. A browser would not send it. The proxy adds it to every request, so
// that no request is rejected only because it has no credential.
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

// A proxy in front of the gateway. It also sees the responses that the browser hides from the page.
const statuses = [];
const proxy = http.createServer((request, response) => {
  const onward = http.request(target + new URL(request.url, target).search, { method: request.method, headers: { ...request.headers, authorization: key } });
  onward.on('response', (answer) => {
    statuses.push(answer.statusCode);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});
await new Promise((ready) => proxy.listen(0, '127.0.0.1', ready));
const graph = `http://127.0.0.1:${proxy.address().port}/graphql`;

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
  check('all attempts ran', false, error.stack);
} finally {
  await browser.close();
  other.close();
  proxy.close();
  proxy.closeAllConnections();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

// Proves that the counters work: otherwise every check would pass.
async function countersCount() {
  await calls();
  const response = await fetch(graph, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  await response.text();
  check('a request causes provider calls that are counted', (await calls()) > 0);
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
    form('a form with the query in the URL', 'application/x-www-form-urlencoded', [], `${graph}?query=${encodeURIComponent(query)}`),
    send('fetch with text/plain', { method: 'POST', body: json, headers: { 'content-type': 'text/plain' } }),
    send('fetch with text/plain that names JSON', { method: 'POST', body: json, headers: { 'content-type': 'text/plain; charset=application/json' } }),
    send('fetch in no-cors mode that asks for JSON', { mode: 'no-cors', method: 'POST', body: json, headers: { 'content-type': 'application/json' } }),
    send('fetch in no-cors mode with urlencoded', { mode: 'no-cors', method: 'POST', body: json, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    { name: 'fetch without a content type', run: sendBlob, argument: { url: graph, body: json } },
    { name: 'a beacon', run: sendBeacon, argument: { url: graph, body: json } },
    { name: 'fetch of a mutation by GET', run: sendInPage, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}`, options: { mode: 'no-cors' } } },
    { name: 'an image whose URL is a mutation', run: loadImage, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}` } },
    { name: 'a navigation to the URL of a mutation', run: openAddress, argument: { url: `${graph}?query=${encodeURIComponent(mutation)}` } },
  ];
}

// Runs one attempt in a new page. Every response must be a 4xx status, and no provider may be called.
async function refused({ name, run, argument }) {
  const page = await browser.newPage();
  await page.goto(origin);
  statuses.length = 0;
  // A page that navigates away loses the result of its script.
  await page.evaluate(run, argument).catch(() => {});
  for (let waited = 0; statuses.length === 0 && waited < 5_000; waited += 50) await page.waitForTimeout(50);
  await page.waitForTimeout(100);
  const asked = await calls();
  const isRefused = statuses.length > 0 && statuses.every((status) => status >= 400 && status < 500);
  check(`${name} is rejected without a provider call`, isRefused && asked === 0, `statuses ${statuses.join()}, ${asked} calls`);
  await page.close();
}

// A query by GET changes nothing. The page cannot read its response.
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
  check('a query by GET cannot be read in no-cors mode', seen.opaque === '', seen.opaque);
  check('a query by GET cannot be read in a frame', seen.framed === 'hidden', seen.framed);
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
  check('a JSON request is blocked by its preflight', isBlocked, `${seen}, statuses ${statuses.join()}, ${asked} calls`);
  await page.close();
}

// The following functions run in the page.

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

// Uses the explorer in Chromium without network access beyond this machine.
//
//   node explorer.mjs URL OUT_DIR
//
// Prints a line for each check and writes screenshots to OUT_DIR. Exits with 1 if a check fails. For a binary without the
// bundle, it checks the page's notice when the CDN cannot be reached. Then it serves the CDN files from
// explorer/node_modules, and checks their integrity hashes and the same explorer.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, outDir] = process.argv.slice(2);
if (!url || !outDir) {
  console.error('usage: node explorer.mjs URL OUT_DIR');
  process.exit(2);
}
await mkdir(outDir, { recursive: true });

const WAIT_MS = 20_000;
const LOOPBACK = /^(127(\.\d+){3}|localhost|\[::1\])$/;

let failed = 0;
let passed = 0;
function check(name, isTrue, detail = '') {
  console.log(`${isTrue ? 'pass' : 'FAIL'} ${name}${isTrue || !detail ? '' : `: ${detail}`}`);
  if (isTrue) passed += 1;
  else failed += 1;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
});

try {
  const settings = await readSettings();
  if (settings.outside) {
    await unreachable();
    await checkExplorer('outside-', fromNodeModules(settings.outside));
  } else {
    await checkExplorer('', () => undefined);
  }
} catch (error) {
  check('all steps ran', false, error.stack);
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function readSettings() {
  const response = await fetch(url);
  const policy = response.headers.get('content-security-policy') ?? '';
  check('the content security policy starts with default-src none', policy.startsWith("default-src 'none'"), policy);
  check('the policy allows no inline script', !/script-src[^;]*unsafe/.test(policy), policy);
  check('the page is not cached', response.headers.get('cache-control') === 'no-store');
  const page = await response.text();
  const settings = JSON.parse(page.match(/id="explorer-settings">(.*?)<\/script>/s)[1]);
  if (!settings.outside) check('the policy names no other host for scripts and styles', !/(script|style)-src[^;]*https?:/.test(policy));
  return settings;
}

// A page that can reach this machine, and other hosts only through `answer`. It records errors.
async function open(answer, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block', ...options });
  const seen = { errors: [], outside: [] };
  await context.route('**/*', async (route) => {
    const asked = new URL(route.request().url());
    if (LOOPBACK.test(asked.hostname) || asked.protocol === 'data:') return route.continue();
    seen.outside.push(asked.href);
    const body = await answer(asked.href);
    return body === undefined ? route.abort('internetdisconnected') : route.fulfill(body);
  });
  await context.exposeFunction('reportViolation', (text) => seen.errors.push(`policy: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    );
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => seen.errors.push(`exception: ${error.stack}`));
  return { context, page, seen };
}

async function unreachable() {
  const { context, page } = await open(() => undefined);
  await page.goto(url);
  await page.getByText('npm ci && npm run build').waitFor();
  const text = await page.locator('.notice.unreachable').innerText();
  check('without the CDN the page shows the build command', text.includes('cd explorer'));
  check('without the CDN the page shows a curl command for this gateway', text.includes(`curl -s ${new URL(url).origin}/graphql`), text);
  await shot(page, 'unreachable');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'unreachable-dark');
  await context.close();
}

function fromNodeModules(outside) {
  const types = { js: 'text/javascript', css: 'text/css' };
  return async (href) => {
    if (!outside.some((file) => file.url === href)) return undefined;
    const [, name, path] = new URL(href).pathname.match(/^\/npm\/(@?[^@]+)@[^/]+\/(.*)$/);
    const body = await readFile(new URL(`../explorer/node_modules/${name}/${path}`, import.meta.url));
    return { body, headers: { 'content-type': types[path.split('.').pop()], 'access-control-allow-origin': '*' } };
  };
}

async function checkExplorer(prefix, answer) {
  const { context, page, seen } = await open(answer, { colorScheme: 'light' });
  await page.goto(url);
  await page.locator('.graphiql-container').waitFor();
  const settings = JSON.parse(await page.locator('#explorer-settings').textContent());

  await startsAsSet(page, settings);
  await runs(page, `${prefix}light`);
  await readsDocs(page, prefix);
  await opensPlugins(page, prefix);
  await opensDialogs(page, prefix);
  await changesTabs(page, prefix, settings);
  await followsTheSystem(page, prefix);
  await remembersAndResets(page, settings);

  check('there are no errors and no violations of the policy', seen.errors.length === 0, seen.errors.join('\n'));
  const named = (settings.outside ?? []).map((file) => file.url);
  // GraphiQL loads an image from a response when the pointer is on its URL. Other requests are not allowed.
  const strange = seen.outside.filter((href) => !named.includes(href) && !/\.(png|jpe?g|svg|gif|webp)$/.test(href));
  check('no other host received a request', strange.length === 0, strange.join(' '));
  await context.close();
}

async function startsAsSet(page, settings) {
  const tabs = page.locator('.graphiql-tab-button');
  await tabs.first().waitFor();
  check(`there are ${settings.tabs.length} tabs`, (await tabs.count()) === Math.max(settings.tabs.length, 1));
  const titles = await tabs.allInnerTexts();
  check('tab titles are unique', new Set(titles).size === titles.length, titles.join(', '));
  if (settings.tabs.length === 0) return;
  const editors = page.locator('.graphiql-editor-tool .CodeMirror');
  check('the headers editor is open', (await page.locator('.graphiql-editor-tools button.active').innerText()) === 'Headers');
  const shown = await editors.evaluateAll((all) => all.map((editor) => editor.CodeMirror.getValue()));
  check('the first tab has its variables and headers', shown.includes(settings.tabs[0].headers) && shown.includes(settings.tabs[0].variables), JSON.stringify(shown));
}

async function runs(page, name) {
  await schemaIsRead(page);
  await page.locator('.graphiql-execute-button').click();
  await page.waitForFunction(() => {
    const editor = document.querySelector('.result-window .CodeMirror')?.CodeMirror;
    return editor?.getValue().includes('"data"');
  });
  const answer = JSON.parse(await page.evaluate(() => document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()));
  check(`${name}: the operation returns data without errors`, answer.data !== null && !answer.errors, JSON.stringify(answer).slice(0, 300));
  check(`${name}: the document is valid`, (await page.locator('.graphiql-query-editor .CodeMirror-lint-mark-error').count()) === 0);
  await page.mouse.move(700, 5);
  await page.waitForTimeout(400);
  await shot(page, name);
}

async function schemaIsRead(page) {
  await page.locator('button[aria-label="Re-fetch GraphQL schema"]:enabled').waitFor();
}

async function readsDocs(page, prefix) {
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const docs = page.locator('.graphiql-doc-explorer');
  await docs.getByText('query', { exact: true }).first().waitFor();
  check('the docs show the schema', (await docs.innerText()).includes('Root Types'));
  await docs.locator('.graphiql-doc-explorer-type-name').first().click();
  await docs.locator('.graphiql-doc-explorer-field-name').first().waitFor();
  check('the docs show the root fields', (await docs.locator('.graphiql-doc-explorer-field-name').count()) > 0);
  await shot(page, `${prefix}docs`);
}

async function opensPlugins(page, prefix) {
  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history-item').first().waitFor();
  check('the history has the executed operation', (await page.locator('.graphiql-history-item').count()) > 0);
  await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
  await page.locator('.graphiql-explorer-root').waitFor();
  await page.locator('.graphiql-explorer-root [data-field-name], .graphiql-explorer-root .graphiql-explorer-node').first().waitFor();
  check('the explorer plugin shows the fields', true);
  await shot(page, `${prefix}explorer`);
  await page.getByRole('button', { name: 'Hide GraphiQL Explorer' }).click();
}

async function opensDialogs(page, prefix) {
  await page.getByRole('button', { name: 'Open settings dialog' }).click();
  await page.getByRole('dialog').waitFor();
  await page.waitForTimeout(300);
  await shot(page, `${prefix}settings`);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Open short keys dialog' }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  check('the dialogs open and close', true);
}

async function changesTabs(page, prefix, settings) {
  if (settings.tabs.length < 2) return;
  await page.locator('.graphiql-tab-button').nth(1).click();
  const headers = await page.locator('.graphiql-editor-tool .CodeMirror').evaluateAll((all) => all.map((editor) => editor.CodeMirror.getValue()));
  check('the second tab has its own headers', headers.includes(settings.tabs[1].headers), JSON.stringify(headers));
  await runs(page, `${prefix}second-tab`);
  await page.getByRole('button', { name: 'New tab' }).click();
  check('a new tab opens', (await page.locator('.graphiql-tab-button').count()) === settings.tabs.length + 1);
  await page.locator('.graphiql-query-editor .CodeMirror').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('{ ');
  await page.keyboard.press('Control+Space');
  await page.locator('.CodeMirror-hint').first().waitFor();
  check('the editor suggests fields', (await page.locator('.CodeMirror-hint').count()) > 0);
  await shot(page, `${prefix}proposals`);
  await page.keyboard.press('Escape');
  await page.locator('.graphiql-tab-button').first().click();
}

async function followsTheSystem(page, prefix) {
  const brightness = () =>
    page.evaluate(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
      const pen = canvas.getContext('2d');
      pen.fillStyle = getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor;
      pen.fillRect(0, 0, 1, 1);
      const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 3;
    });
  const light = await brightness();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await brightness();
  check('the page follows the color scheme of the system', light > 200 && dark < 80, `${light} and ${dark}`);
  await runs(page, `${prefix}dark`);
  await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
  await page.locator('.graphiql-explorer-root').waitFor();
  await shot(page, `${prefix}dark-explorer`);
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.locator('.graphiql-doc-explorer').waitFor();
  await shot(page, `${prefix}dark-docs`);
  await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
  await page.emulateMedia({ colorScheme: 'light' });
}

async function remembersAndResets(page, settings) {
  const tabs = page.locator('.graphiql-tab-button');
  const before = await tabs.allInnerTexts();
  // GraphiQL stores its state half a second after the last change.
  await page.waitForTimeout(1000);
  await page.reload();
  await tabs.first().waitFor();
  check('a reload restores the tabs', (await tabs.allInnerTexts()).join() === before.join(), (await tabs.allInnerTexts()).join());
  const keys = await page.evaluate(() => Object.keys(localStorage));
  check('all storage keys have the prefix', keys.every((key) => key.startsWith('commongraph:')), keys.join(', '));
  await schemaIsRead(page);
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Restore the initial tabs' }).click()]);
  await tabs.first().waitFor();
  check('the reset restores the initial tabs', (await tabs.count()) === Math.max(settings.tabs.length, 1));
  await schemaIsRead(page);
}

async function shot(page, name) {
  await page.screenshot({ path: join(outDir, `${name}.png`) });
}

// The manifests of relay-compiler, Apollo's tool and codegen as trusted documents of a gateway that accepts no other
// documents.
//
//   node trusted.mjs COMMONGRAPH
//
// COMMONGRAPH is the program. Prints a line for each check. Exits with 1 if a check fails.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';
import { attempt, check, report, wanted } from './check.mjs';
import { compileRelay, generateCode, listForApollo, readJson, writeTour } from './make.mjs';
import { GENERATED, post, sampleOperations, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');

await attempt('the sandbox', () =>
  withSandbox(binary, async (sandbox) => {
    const documents = sampleOperations(sandbox.tabs);
    await writeTour(documents);
    await attempt('relay-compiler', async () => byManifest(sandbox, 'relay-compiler', await compileRelay(documents), 'TourAccountsQuery'));
    await attempt('codegen', async () => byManifest(sandbox, 'codegen', await generateCode(), 'Accounts'));
    await attempt("Apollo's tool", () => byApollo(sandbox, documents));
    await attempt('a folder', () => byFolder(sandbox, documents));
  }),
);
report();

function enforced(path) {
  return { COMMONGRAPH_HTTP__TRUSTED_DOCUMENTS__MODE: 'enforce', COMMONGRAPH_HTTP__TRUSTED_DOCUMENTS__PATH: path };
}

// A manifest of the form {id: text}. The ID is sent in each parameter that clients use.
async function byManifest(sandbox, tool, made, operation) {
  if (!check(`${tool} writes a manifest`, made.ok, made.text)) return;
  const texts = await readJson(made.manifest);
  const [id, text] = Object.entries(texts).find(([, one]) => one.includes(`query ${operation} `));
  await withServe(binary, sandbox, enforced(made.manifest), async (gateway) => {
    for (const name of ['documentId', 'doc_id', 'id']) await hasPage(gateway, `${tool}'s ID, as ${name},`, { [name]: id });
    await hasPage(gateway, `${tool}'s text`, { query: text });
    await nothingElse(gateway, tool);
  });
}

async function byApollo(sandbox, documents) {
  const made = await listForApollo();
  if (!check("Apollo's tool writes a manifest", made.ok, made.text)) return;
  const manifest = await readJson(made.manifest);
  const names = manifest.operations.map(({ name }) => name).sort();
  check("Apollo's manifest has all documents", names.join() === Object.keys(documents).sort().join(), names.join());
  await withServe(binary, sandbox, enforced(made.manifest), async (gateway) => {
    const ids = generatePersistedQueryIdsFromManifest({ loadManifest: () => Promise.resolve(manifest) });
    const link = ApolloLink.from([new PersistedQueryLink(ids), new HttpLink({ uri: gateway.graph, headers: gateway.people.operator })]);
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const { data } = await client.query({ query: gql(documents.Accounts) });
    check('Apollo Client loads the page by the ID in its manifest', isPage(data), JSON.stringify(data));
    await nothingElse(gateway, 'Apollo');
  });
}

async function byFolder(sandbox, documents) {
  await withServe(binary, sandbox, enforced(`${GENERATED}/documents`), async (gateway) => {
    await hasPage(gateway, "a file's name", { documentId: 'Accounts' });
    await hasPage(gateway, "a file's text", { query: documents.Accounts });
    await changes(gateway, sandbox);
    await nothingElse(gateway, 'a folder');
  });
}

// A trusted mutation runs by POST and never by GET.
async function changes({ graph, people }, { tabs }) {
  const { variables, query } = tabs.find(({ query }) => query.startsWith('mutation'));
  const body = { documentId: query.match(/^mutation (\w+)/)[1], variables: JSON.parse(variables) };
  const address = new URL(graph);
  for (const [name, value] of Object.entries(body)) address.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  const { status: refused } = await fetch(address, { headers: { ...people.operator, 'GraphQL-Require-Preflight': '1' } });
  check('a trusted mutation does not run by GET', refused === 405, refused);
  const { status, answer } = await post(graph, people.operator, body);
  const gone = answer.data?.applicationRevoke.deletedApplicationId;
  check('a trusted mutation runs by POST', status === 200 && gone === body.variables.id, JSON.stringify(answer));
}

async function hasPage(gateway, what, body) {
  const { status, answer } = await post(gateway.graph, gateway.people.operator, body);
  check(`${what} returns the page`, status === 200 && isPage(answer.data), JSON.stringify(answer));
}

function isPage(data) {
  return new Set(data?.connections?.nodes.map(({ provider }) => provider)).size === 2;
}

async function nothingElse({ graph, people }, what) {
  const code = async (body) => {
    const { status, answer } = await post(graph, people.operator, body);
    return `${status} ${answer.errors?.[0].extensions.code} ${'data' in answer}`;
  };
  const other = await code({ query: '{ connections(first: 1) { totalCount } }' });
  check(`${what}: another document is rejected`, other === '403 FORBIDDEN false', other);
  const unknown = await code({ documentId: 'none' });
  check(`${what}: another ID is unknown`, unknown === '400 PERSISTED_QUERY_NOT_FOUND false', unknown);
}

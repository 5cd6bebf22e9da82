// Apollo Client, urql and Relay load the accounts page from the sandbox, as applications do.
//
//   node clients.mjs COMMONGRAPH
//
// COMMONGRAPH is the program. Each client must get the rows of both providers, and report missing rows when a provider is
// down. Apollo Client also uses persisted queries. Relay loads a second page and refetches a row. Prints a line for each
// check. Exits with 1 if a check fails.

import { isDeepStrictEqual } from 'node:util';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { attempt, check, report, wanted } from './check.mjs';
import { compileRelay, writeTour } from './make.mjs';
import { relay } from './relay.mjs';
import { UNCACHED, fault, sampleOperations, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');
const plainly = (value) =>
  JSON.parse(JSON.stringify(value, (key, one) => (key === '__typename' || key === '__id' ? undefined : one)));

// A gateway without a cache. The sandbox's own gateway would return cached data for a failing provider.
const withWorld = (use) => withSandbox(binary, (sandbox) => withServe(binary, sandbox, UNCACHED, use));

await attempt('the sandbox', () =>
  withWorld(async (sandbox) => {
    const documents = sampleOperations(sandbox.tabs);
    await writeTour(documents);
    const made = await compileRelay(documents);
    if (!check('relay-compiler compiles the sample operations', made.ok, made.text)) return;
    const page = documents.Accounts;
    const clients = [apollo(sandbox, page), urql(sandbox, page), await relay(sandbox, made, 'TourAccountsQuery')];
    const answers = [];
    for (const client of clients) await attempt(client.name, async () => answers.push(await whole(client)));
    check('all three clients got the same data', answers.length === 3 && answers.every((one) => isDeepStrictEqual(one, answers[0])));
    for (const client of clients) await attempt(client.name, () => partial(sandbox, client));
    await attempt('Apollo Client by hash', () => byHash(sandbox, page));
    await attempt('Relay', () => pages(sandbox, made));
  }),
);
report();

// Both providers work: the page has data of both and no error.
async function whole({ name, ask }) {
  const { data, errors } = await ask();
  const rows = data?.connections?.nodes ?? [];
  const of = (provider) => rows.filter((row) => row.provider === provider && row.identity?.displayName).length;
  check(`${name} loads the page without an error`, errors.length === 0, JSON.stringify(errors));
  check(`${name} gets rows of both providers`, of('ONEALL') > 0 && of('WORDPRESS') > 0, JSON.stringify(rows));
  check(`${name} gets the applications`, data?.applications?.nodes.length > 0);
  return plainly(data);
}

// One provider is down: the client gets the other's data, the failed field and the reason.
async function partial(sandbox, { name, ask }) {
  await fault(sandbox, { provider: 'wordpress', path: '/rest/v1.1/me/connected-applications', status: 503 });
  const one = await ask();
  const codes = one.errors.map(({ path, extensions }) => `${path?.join('.')} ${extensions?.code}`);
  check(`${name} gets the path and code of the failed field`, codes.includes('applications PROVIDER_UNAVAILABLE'), codes.join());
  check(`${name} gets the other data`, one.data?.applications === null && one.data.connections?.nodes.length === 10, JSON.stringify(one.data));
  await fault(sandbox, { provider: 'oneall', status: 503 });
  const other = await ask();
  const missing = other.data?.connections?.incomplete.map(({ provider }) => provider);
  const rows = other.data?.connections?.nodes ?? [];
  check(`${name} gets the name of the missing provider`, missing?.join() === 'ONEALL', JSON.stringify(other));
  check(`${name} gets the rows of the other provider`, rows.length > 0 && rows.every(({ provider }) => provider === 'WORDPRESS'));
  await fault(sandbox);
}

function apollo({ graph, people }, page, link = new HttpLink({ uri: graph, headers: people.operator })) {
  const query = gql(page);
  return {
    name: 'Apollo Client',
    ask: async () => {
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      const { data, error } = await client.query({ query, errorPolicy: 'all' });
      if (error && !CombinedGraphQLErrors.is(error)) throw error;
      return { data, errors: error?.errors ?? [] };
    },
  };
}

function urql({ graph, people }, page) {
  return {
    name: 'urql',
    ask: async () => {
      const exchanges = [cacheExchange, fetchExchange];
      const client = new Client({ url: graph, exchanges, preferGetMethod: false, fetchOptions: { headers: people.operator } });
      const { data, error } = await client.query(page, {}).toPromise();
      if (error?.networkError) throw error.networkError;
      return { data, errors: error?.graphQLErrors ?? [] };
    },
  };
}

// Apollo's automatic persisted queries: a GET with the hash, then a POST with the text, and later only the hash.
async function byHash(sandbox, page) {
  const sent = [];
  const witness = async (address, options) => {
    const asked = options.method === 'GET' ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(options.body);
    sent.push(`${options.method} ${asked.query ? 'text' : 'hash'}`);
    const response = await fetch(address, options);
    sent.push(String(response.status));
    return response;
  };
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const link = () =>
    ApolloLink.from([
      new PersistedQueryLink({ sha256, useGETForHashedQueries: true }),
      new HttpLink({ uri: sandbox.graph, headers: sandbox.people.operator, fetch: witness }),
    ]);
  const first = await apollo(sandbox, page, link()).ask();
  check('Apollo Client sends the hash, and the text after PERSISTED_QUERY_NOT_FOUND', sent.join() === 'GET hash,400,POST text,200', sent.join());
  sent.length = 0;
  const second = await apollo(sandbox, page, link()).ask();
  check('Apollo Client sends only the hash the second time', sent.join() === 'GET hash,200', sent.join());
  const both = [first, second].every(({ data, errors }) => errors.length === 0 && data.connections.nodes.length === 10);
  check('both requests return the page', both && isDeepStrictEqual(first.data, second.data));
}

// What Relay needs: pages by cursor that are appended in its store, and refetching a row by ID.
async function pages(sandbox, made) {
  const store = await relay(sandbox, made, 'AccountsPageQuery');
  const { data, errors } = await store.ask({ count: 3 });
  check('Relay loads the first rows of a page', errors.length === 0 && data !== undefined, JSON.stringify(errors));
  const first = store.fragment('AccountsPage_connections', data);
  check('Relay stores the first rows', first.connections.edges.length === 3 && first.connections.pageInfo.hasNextPage, JSON.stringify(first));
  const cursor = first.connections.pageInfo.endCursor;
  await store.fetch('AccountsPagePaginationQuery', { count: 4, cursor });
  const more = store.fragment('AccountsPage_connections', data);
  const ids = more.connections.edges.map(({ node }) => node.id);
  check('Relay appends the next rows', ids.length === 7 && new Set(ids).size === 7, ids.join());
  const again = await store.fetch('AccountsPageRowQuery', { id: ids[5] });
  const row = store.fragment('AccountsPage_row', again.data.node);
  check('Relay refetches a row by its ID', again.errors.length === 0 && row.kind && row.health.state, JSON.stringify(row));
  const own = await store.fetch('AccountsPageOwnQuery', { count: 2 });
  const mine = store.fragment('AccountsPage_own', own.data.viewer);
  check("Relay pages the viewer's own list", mine.connections.edges.length === 2, JSON.stringify(mine));
}

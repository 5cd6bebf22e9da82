// Apollo Client, urql and Relay ask the sandbox for the accounts page, as applications do.
//
//   node clients.mjs COMMONGRAPH
//
// COMMONGRAPH is the command. Each client must get the rows of both providers and say what is missing when one of them
// is down; Apollo Client also asks by hash, and Relay pages and reads a row again. Prints a line for each check and
// exits with 1 if one failed.

import { isDeepStrictEqual } from 'node:util';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { attempt, check, report, wanted } from './check.mjs';
import { compileRelay, writeTour } from './make.mjs';
import { relay } from './relay.mjs';
import { UNKEPT, fault, tour, withSandbox, withServe } from './world.mjs';

const [binary] = wanted('COMMONGRAPH');
const plainly = (value) =>
  JSON.parse(JSON.stringify(value, (key, one) => (key === '__typename' || key === '__id' ? undefined : one)));

// A gateway of its own, which keeps nothing: the sandbox's would answer for a failing provider from before.
const withWorld = (use) => withSandbox(binary, (sandbox) => withServe(binary, sandbox, UNKEPT, use));

await attempt('the sandbox', () =>
  withWorld(async (sandbox) => {
    const documents = tour(sandbox.tabs);
    await writeTour(documents);
    const made = await compileRelay(documents);
    if (!check('relay-compiler compiles the tour', made.ok, made.text)) return;
    const page = documents.Accounts;
    const clients = [apollo(sandbox, page), urql(sandbox, page), await relay(sandbox, made, 'TourAccountsQuery')];
    const answers = [];
    for (const client of clients) await attempt(client.name, async () => answers.push(await whole(client)));
    check('all three got the same', answers.length === 3 && answers.every((one) => isDeepStrictEqual(one, answers[0])));
    for (const client of clients) await attempt(client.name, () => partial(sandbox, client));
    await attempt('Apollo Client by hash', () => byHash(sandbox, page));
    await attempt('Relay', () => pages(sandbox, made));
  }),
);
report();

// Everybody is well: data of both providers, no error.
async function whole({ name, ask }) {
  const { data, errors } = await ask();
  const rows = data?.connections?.nodes ?? [];
  const of = (provider) => rows.filter((row) => row.provider === provider && row.identity?.displayName).length;
  check(`${name} gets the page without an error`, errors.length === 0, JSON.stringify(errors));
  check(`${name} gets rows of both providers`, of('ONEALL') > 0 && of('WORDPRESS') > 0, JSON.stringify(rows));
  check(`${name} gets the applications`, data?.applications?.nodes.length > 0);
  return plainly(data);
}

// One provider is down: the other's part is whole, and the client is told which field failed and why.
async function partial(sandbox, { name, ask }) {
  await fault(sandbox, { provider: 'wordpress', path: '/rest/v1.1/me/connected-applications', status: 503 });
  const one = await ask();
  const codes = one.errors.map(({ path, extensions }) => `${path?.join('.')} ${extensions?.code}`);
  check(`${name} is told of the field that failed`, codes.includes('applications PROVIDER_UNAVAILABLE'), codes.join());
  check(`${name} still gets the rest`, one.data?.applications === null && one.data.connections?.nodes.length === 10, JSON.stringify(one.data));
  await fault(sandbox, { provider: 'oneall', status: 503 });
  const other = await ask();
  const missing = other.data?.connections?.incomplete.map(({ provider }) => provider);
  const rows = other.data?.connections?.nodes ?? [];
  check(`${name} is told whose rows are missing`, missing?.join() === 'ONEALL', JSON.stringify(other));
  check(`${name} gets the other's rows`, rows.length > 0 && rows.every(({ provider }) => provider === 'WORDPRESS'));
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

// Apollo's automatic persisted queries: a GET with the hash alone, once the text, and from then on the hash is enough.
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
  check('Apollo Client asks by hash, and is asked for the text once', sent.join() === 'GET hash,400,POST text,200', sent.join());
  sent.length = 0;
  const second = await apollo(sandbox, page, link()).ask();
  check('then the hash by GET is enough', sent.join() === 'GET hash,200', sent.join());
  const both = [first, second].every(({ data, errors }) => errors.length === 0 && data.connections.nodes.length === 10);
  check('and both times the page came', both && isDeepStrictEqual(first.data, second.data));
}

// What Relay needs of a schema: pages by cursor that grow in its store, and any row again by its ID.
async function pages(sandbox, made) {
  const store = await relay(sandbox, made, 'AccountsPageQuery');
  const { data, errors } = await store.ask({ count: 3 });
  check('Relay asks for the first rows of a page', errors.length === 0 && data !== undefined, JSON.stringify(errors));
  const first = store.fragment('AccountsPage_connections', data);
  check('its store has them', first.connections.edges.length === 3 && first.connections.pageInfo.hasNextPage, JSON.stringify(first));
  const cursor = first.connections.pageInfo.endCursor;
  await store.fetch('AccountsPagePaginationQuery', { count: 4, cursor });
  const more = store.fragment('AccountsPage_connections', data);
  const ids = more.connections.edges.map(({ node }) => node.id);
  check('the next rows are added to them', ids.length === 7 && new Set(ids).size === 7, ids.join());
  const again = await store.fetch('AccountsPageRowQuery', { id: ids[5] });
  const row = store.fragment('AccountsPage_row', again.data.node);
  check('any row is read again by its ID', again.errors.length === 0 && row.kind && row.health.state, JSON.stringify(row));
  const own = await store.fetch('AccountsPageOwnQuery', { count: 2 });
  const mine = store.fragment('AccountsPage_own', own.data.viewer);
  check("the viewer's own list pages too", mine.connections.edges.length === 2, JSON.stringify(mine));
}

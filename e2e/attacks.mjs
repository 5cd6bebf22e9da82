// Probes: each sends the requests of a scanner and returns what it found, if anything. Also malformed requests.

const many = (count, one) => Array.from({ length: count }, (_, n) => one(n)).join(' ');
const query = (text, more = {}) => ({ body: { query: text, ...more } });
const ran = ({ json }) => Object.values(json?.data ?? {}).some((value) => value !== null);

// A document that must be rejected.
const refused = (title, text) => ({
  title,
  finds: async (send) => {
    const answer = await send(query(text));
    return ran(answer) && `it was executed: ${answer.text.slice(0, 200)}`;
  },
});

// A request that must not return data.
const unanswered = (title, request) => ({
  title,
  finds: async (send) => {
    const answer = await send(request);
    const isAnswered = [answer.json].flat().some((one) => one?.data);
    return isAnswered && `it returned data: ${answer.text.slice(0, 200)}`;
  },
});

const PAGES = ['/', '/graphiql', '/playground', '/console', '/graphql/console', '/altair', '/voyager', '/graphql'];
const PLACES = [
  '/debug/pprof/', '/debug/vars', '/actuator/env', '/.env', '/.git/config', '/config', '/admin', '/__sandbox/requests',
  '/server-status', '/swagger.json', '/graphql/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/schema.graphql/..%2f..%2fCargo.toml',
];
const INTROSPECTIONS = [
  '{ __schema { queryType { name } } }', '{ __type(name: "Query") { name } }', 'query IntrospectionQuery { __schema { types { name } } }',
  '{ ...S } fragment S on Query { __schema { types { name } } }', '{ s: __schema\n{ types { name } } }', '{ ... on Query { ... { __schema { types { name } } } } }',
];

export const PROBES = [
  {
    title: 'introspection',
    open: true,
    finds: async (send) => {
      for (const text of INTROSPECTIONS) {
        const byPost = await send(query(text));
        const byGet = await send({ method: 'GET', search: { query: text } });
        if (ran(byPost) || ran(byGet)) return text;
      }
      return undefined;
    },
  },
  {
    title: 'suggestions of names',
    open: true,
    finds: async (send) => {
      const texts = ['{ viewr { __typename } }', '{ connection(by: { idd: "1" }) { id } }', '{ service(kee: "x") { id } }', '{ connections { nods { id } } }', '{ viewer { ... on Viewr { __typename } } }'];
      for (const text of texts) {
        const { text: told } = await send(query(text));
        if (/did you mean|\bviewer\b|\bnodes\b|\bViewer\b/i.test(told.replaceAll(text, ''))) return told;
      }
      return undefined;
    },
  },
  {
    title: 'a page to ask by',
    open: true,
    finds: async (send) => {
      for (const path of PAGES) {
        const answer = await send({ method: 'GET', path, headers: { accept: 'text/html' } });
        if (answer.status === 200 && /<html|graphiql|playground/i.test(answer.text)) return path;
      }
      return undefined;
    },
  },
  {
    title: 'paths that do not exist',
    finds: async (send) => {
      for (const path of PLACES) {
        const answer = await send({ method: 'GET', path });
        if (answer.status < 400) return `${path}: ${answer.text.slice(0, 100)}`;
      }
      return undefined;
    },
  },
  {
    title: 'traces and debug data',
    finds: async (send) => {
      const headers = { 'apollo-federation-include-trace': 'ftv1', 'x-debug': '1', 'x-apollo-tracing': '1', 'apollo-query-plan-experimental': '1' };
      for (const text of ['{ __typename }', '{ nope }', 'qwerty cop { abc }', '{ node(id: "x") { id } }']) {
        const { json, text: told } = await send({ ...query(text), headers });
        const extensions = { ...json?.extensions, ...json?.errors?.[0]?.extensions };
        const known = ['code', 'retryable', 'errorsOmitted'];
        if (Object.keys(extensions).some((name) => !known.includes(name)) || /exception|trac(e|ing)|debug/i.test(told)) return told;
      }
      return undefined;
    },
  },
  unanswered('a batch of operations', { body: Array.from({ length: 10 }, () => ({ query: '{ __typename }' })) }),
  unanswered('a mutation by GET', { method: 'GET', search: { query: 'mutation { __typename }' } }),
  unanswered('a query by GET from a page of another site', { method: 'GET', search: { query: '{ __typename }' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }),
  unanswered('a form', { raw: 'query=%7B__typename%7D', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  unanswered('a form of plain text', { raw: '{"query":"{__typename}"}', headers: { 'content-type': 'text/plain' } }),
  unanswered('an upload', { raw: '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"{__typename}"}\r\n--x--', headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
  unanswered('a document as the body', { raw: '{ __typename }', headers: { 'content-type': 'application/graphql' } }),
  ...['PUT', 'PATCH', 'DELETE'].map((method) => unanswered(method, { method, ...query('{ __typename }') })),
  unanswered('a subscription', query('subscription { connections { totalCount } }')),
  {
    title: 'responses that other origins can read',
    finds: async (send) => {
      const { headers } = await send({ ...query('{ __typename }'), headers: { origin: 'https://evil.example' } });
      return headers['access-control-allow-origin'];
    },
  },
  refused('101 aliases', `{ ${many(101, (n) => `a${n}: __typename`)} }`),
  refused('101 aliases of one edge', `{ viewer { ${many(101, (n) => `a${n}: needsAttentionCount`)} } }`),
  refused('500 times one field', `{ ${many(500, () => '__typename')} }`),
  refused('10 directives on a field', `{ __typename ${many(10, () => '@skip(if: false)')} }`),
  refused('10 unknown directives', `{ __typename ${many(10, (n) => `@aa${n}`)} }`),
  refused('circular introspection', `{ __schema { types { ${'fields { type { '.repeat(6)}name${' } }'.repeat(6)} } } }`),
  refused('circular fragments', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'),
  refused('fragments that double', `{ ...F0 } ${many(24, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F24 on Query { __typename }`),
  refused('a deep document', `{ connections { nodes { ${'record { ... on PublicizeRecord { keyringConnection { '.repeat(8)}id${' } } }'.repeat(8)} } } }`),
  refused('a costly document', `{ ${many(19, (n) => `a${n}: connections(first: 100) { nodes { health { state } } }`)} }`),
  refused('a page of 10,000', '{ connections(first: 10000) { nodes { id } } }'),
  {
    title: 'an ID as another person',
    finds: async (send) => {
      // An invalid credential must not give access to the operator's data.
      const answer = await send({ ...query('{ viewer { wordpressUser { email } } }'), headers: { 'X-WordPress-Token': 'none-such' } });
      return answer.json?.data?.viewer?.wordpressUser && answer.text;
    },
  },
];

const raw = (text, headers = {}) => ({ raw: text, headers: { 'content-type': 'application/json', ...headers } });
const variables = (text, given) => query(text, { variables: given });

/** Malformed requests. Each must get a response. */
export const ODDITIES = [
  ...['', '{', '[]', 'null', '"x"', '1e999', '[null]', '{"query":1}', '{"query":null}', '{"query":"{__typename}","variables":[]}', '\u0000', '{"query":"\\u0000"}', '{"query":"\\ud800"}', '\ufeff{"query":"{__typename}"}'].map((text) => raw(text)),
  raw(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
  raw(`${'['.repeat(100_000)}`),
  raw(`{"query":"{__typename}","variables":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`),
  raw('{"query":"{__typename}"}', { 'content-type': 'application/json; charset=utf-16' }),
  raw('{"query":"{__typename}"}', { 'content-encoding': 'gzip' }),
  raw('{"query":"{__typename}"}', { accept: 'image/png' }),
  ...['{', '}', '{}', '{ a', '"', '"""', '#', '...', '{ __typename', 'query', '\u{1F600}', '{ \\u0041 }', '{ a(b: 1e999999) }', '{ services(first: 99999999999999999999) { totalCount } }', '{ services(first: -1) { totalCount } }', '{ services(first: 1.5) { totalCount } }', '{ services(after: "💥") { totalCount } }', '{ node(id: "__proto__") { id } }', '{ nodes(ids: ["", null]) { id } }', '{ nodes(ids: "x") { id } }', '{ __typename @include }', '{ __typename @include(if: "yes") }', '{ __typename @defer }', '{ ... @defer { __typename } }', '{ connections @stream(initialCount: 0) { totalCount } }', 'type Query { a: Int }', 'extend type Query { a: Int }', 'fragment A on Query { __typename }', '{ a: __typename a: providers { detail } }', 'query ($a: Nothing) { __typename }', 'query ($a: [[[[Int]]]] = [[[[1]]]]) { __typename }', '{ _service { sdl } _entities(representations: []) { __typename } }'].map((text) => query(text)),
  variables('query ($id: ID!) { node(id: $id) { id } }', {}),
  variables('query ($id: ID!) { node(id: $id) { id } }', { id: { $ne: null } }),
  variables('query ($id: ID!) { node(id: $id) { id } }', { id: "' OR 1=1 --" }),
  variables('query ($id: ID!) { node(id: $id) { id } }', { id: 'x'.repeat(100_000) }),
  variables('query ($n: Int) { services(first: $n) { totalCount } }', { n: 2 ** 53 }),
  variables('query ($n: Int) { services(first: $n) { totalCount } }', { n: 'many', __proto__x: {} }),
  variables('query ($by: ConnectionBy!) { connection(by: $by) { id } }', { by: { id: 'a', connectionToken: 'b' } }),
  variables('query ($by: ConnectionBy!) { connection(by: $by) { id } }', { by: { connectionToken: '../users' } }),
  query('{ __typename }', { operationName: 'Nope' }),
  query('{ __typename }', { operationName: {} }),
  query('{ __typename }', { extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } }),
  query('{ __typename }', { extensions: { persistedQuery: 'x' } }),
  { body: { documentId: '../../../etc/passwd' } },
  { method: 'GET', search: { query: '{', variables: '{' } },
  { method: 'GET', search: { query: '{ __typename }', extensions: '[]' } },
  { method: 'GET' },
  { method: 'HEAD' },
  { method: 'OPTIONS' },
  { method: 'GET', path: '/no/such/place' },
  ...['', 'Bearer', 'Bearer ', 'Basic b2xnYTpvbGdh', 'Bearer a b', 'Bearer cg_', 'Bearer cg_shop_', `Bearer cg_shop_${'0'.repeat(43)}`, 'Bearer eyJhbGciOiJub25lIn0.e30.', `Bearer ${'x'.repeat(9_000)}`, 'bearer', 'Bearer ../../secret'].map((shown) => ({ ...query('{ __typename }'), headers: { Authorization: shown } })),
  { ...query('{ __typename }'), headers: { 'X-WordPress-Token': 'two words' } },
  { ...query('{ __typename }'), headers: { 'X-Request-Id': 'x'.repeat(5_000) } },
];

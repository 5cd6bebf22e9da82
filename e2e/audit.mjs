// Checks a server against GraphQL over HTTP with the audits of the package graphql-http.
//
//   node audit.mjs URL
//
// Prints a line for each audit. Exits with 1 if an audit fails.

import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn().catch((error) => ({ status: 'error', reason: `the audit threw: ${error.message}` }));
  if (result.status === 'ok') passed += 1;
  else failed += 1;
  const given = result.response ? ` [${result.response.status} ${result.response.headers.get('content-type')}]` : '';
  console.log(result.status === 'ok' ? `pass ${audit.id} ${audit.name}` : `FAIL ${audit.id} ${audit.name}: ${result.reason}${given}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

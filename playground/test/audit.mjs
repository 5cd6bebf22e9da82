// Holds a server to GraphQL over HTTP, by the audits that the package graphql-http publishes.
//
//   node audit.mjs URL
//
// Prints a line for each audit and exits with 1 if one is not ok.

import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn().catch((error) => ({ status: 'error', reason: `it broke off: ${error.message}` }));
  if (result.status === 'ok') passed += 1;
  else failed += 1;
  const given = result.response ? ` [${result.response.status} ${result.response.headers.get('content-type')}]` : '';
  console.log(result.status === 'ok' ? `pass ${audit.id} ${audit.name}` : `FAIL ${audit.id} ${audit.name}: ${result.reason}${given}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

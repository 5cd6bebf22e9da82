// Relay without React: network, store and compiled artifacts.

import { createRequire } from 'node:module';
import { readJson } from './make.mjs';
import { post } from './world.mjs';

const load = createRequire(import.meta.url);
const { Environment, Network, RecordSource, Store, fetchQuery, getSingularSelector } = load('relay-runtime');

/** A client that runs this operation by default. It sends the documents in the compiler's manifest. */
export async function relay({ graph, people }, { artifacts, manifest }, operation) {
  const texts = await readJson(manifest);
  const artifact = (name) => load(`${artifacts}/${name}.graphql.js`);
  // Relay does not report the errors of a response that has data.
  let errors = [];
  const send = async ({ id }, variables) => {
    const { answer } = await post(graph, people.operator, { query: texts[id], variables });
    errors = answer.errors ?? [];
    return answer;
  };
  const begin = () => new Environment({ network: Network.create(send), store: new Store(new RecordSource()) });
  let environment = begin();
  const run = async (name, variables) => {
    const data = await fetchQuery(environment, artifact(name), variables, { fetchPolicy: 'network-only' }).toPromise();
    return { data, errors };
  };
  return {
    name: 'Relay',
    /** Runs the operation with an empty store. */
    ask: (variables = {}) => {
      environment = begin();
      return run(operation, variables);
    },
    /** Runs another operation with the current store. */
    fetch: run,
    /** The data of a fragment in the store. */
    fragment: (name, owner) => environment.lookup(getSingularSelector(artifact(name), owner)).data,
  };
}

// Starts the explorer. The libraries are parameters, so that both entry points share this code.

// Prefix of the explorer's keys in the browser's local storage.
const PREFIX = 'commongraph:';

// GraphiQL's own storage keys, including its prefix.
const TABS = 'graphiql:tabState';
const QUERY = 'graphiql:query';
const VARIABLES = 'graphiql:variables';
const HEADERS = 'graphiql:headers';
const PERSIST_HEADERS = 'graphiql:shouldPersistHeaders';

const NEW_TAB = `# Write an operation here and run it with Ctrl-Enter.
# The docs (first icon on the left) describe the schema.
`;

// Renders the explorer into #explorer with the settings in the page.
export function start({ React, createRoot, GraphiQL, ToolbarButton, explorerPlugin }) {
  const settings = JSON.parse(document.getElementById('explorer-settings').textContent);
  const tabs = settings.tabs.map(withOperationName);
  const storage = openStorage();
  const persist = persistsHeaders(storage, tabs);
  if (!storage.getItem(TABS) && tabs.length > 0) storeTabs(storage, tabs);

  const reset = () => {
    storage.clear();
    storage.close();
    location.reload();
  };
  const toolbar = ({ prettify, merge, copy }) =>
    React.createElement(React.Fragment, null, prettify, merge, copy, resetButton(React, ToolbarButton, reset));

  createRoot(document.getElementById('explorer')).render(
    React.createElement(
      GraphiQL,
      {
        fetcher: fetcher(settings.endpoint),
        storage,
        plugins: [explorerPlugin({ showAttribution: false })],
        defaultQuery: NEW_TAB,
        defaultHeaders: tabs[0]?.headers || undefined,
        defaultEditorToolsVisibility: 'headers',
        shouldPersistHeaders: persist || undefined,
      },
      React.createElement(GraphiQL.Logo, null, React.createElement('span', { className: 'wordmark' }, 'commongraph')),
      React.createElement(GraphiQL.Toolbar, null, toolbar),
    ),
  );
}

// GraphiQL titles a tab by its operation name, so the operation is named after the tab's title.
function withOperationName(tab) {
  const words = tab.title.match(/[A-Za-z0-9_]+/g) ?? [];
  const name = words.map((word) => word[0].toUpperCase() + word.slice(1)).join('').replace(/^(?=\d)/, '_');
  if (!name) return tab;
  const query = /^\s*\{/.test(tab.query)
    ? tab.query.replace(/^\s*/, `query ${name} `)
    : tab.query.replace(/^(\s*(?:query|mutation|subscription)\b)(?:\s+\w+)?/, `$1 ${name}`);
  return { ...tab, title: name, query };
}

// The settings dialog decides whether headers are stored. By default only the headers of the sandbox's tabs are stored.
function persistsHeaders(storage, tabs) {
  const chosen = storage.getItem(PERSIST_HEADERS);
  return chosen === null ? tabs.some((tab) => tab.headers) : chosen === 'true';
}

// Stores the tabs as if they had been open before, because GraphiQL fills its editors only from its storage.
function storeTabs(storage, tabs) {
  const state = tabs.map((tab, index) => ({
    id: `first-${index}`,
    hash: null,
    title: tab.title,
    query: tab.query,
    variables: tab.variables || null,
    headers: tab.headers || null,
    operationName: null,
    response: null,
  }));
  const first = state[0];
  storage.setItem(TABS, JSON.stringify({ tabs: state, activeTabIndex: 0 }));
  storage.setItem(QUERY, first.query);
  if (first.variables) storage.setItem(VARIABLES, first.variables);
  if (first.headers) storage.setItem(HEADERS, first.headers);
}

// The browser's local storage under the prefix, or memory if local storage is not available.
function openStorage() {
  const memory = new Map();
  let browserStorage = null;
  try {
    browserStorage = window.localStorage;
  } catch {
    // Local storage is disabled: the explorer's state ends with the page.
  }
  let open = true;
  const keys = () =>
    Object.keys(browserStorage ?? Object.fromEntries(memory)).filter((key) => key.startsWith(PREFIX));
  return {
    getItem: (key) => (browserStorage ? browserStorage.getItem(PREFIX + key) : (memory.get(PREFIX + key) ?? null)),
    setItem: (key, value) => {
      if (!open) return;
      if (browserStorage) browserStorage.setItem(PREFIX + key, value);
      else memory.set(PREFIX + key, value);
    },
    removeItem: (key) => (browserStorage ? browserStorage.removeItem(PREFIX + key) : void memory.delete(PREFIX + key)),
    clear: () => keys().forEach((key) => (browserStorage ? browserStorage.removeItem(key) : memory.delete(key))),
    close: () => {
      open = false;
    },
    get length() {
      return keys().length;
    },
  };
}

// Sends an operation and returns the gateway's response, whatever its status.
function fetcher(endpoint) {
  const failed = (message) => ({ errors: [{ message }] });
  return async ({ query, variables, operationName }, { headers } = {}) => {
    let response;
    try {
      response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          accept: 'application/graphql-response+json, application/json;q=0.9',
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ query, variables, operationName: hasOperation(query, operationName) ? operationName : undefined }),
      });
    } catch (error) {
      return failed(`The request could not be sent: ${error.message}`);
    }
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      return failed(`The response is not JSON (status ${response.status}): ${text.slice(0, 300)}`);
    }
  };
}

// Whether the document has this operation. Just after a change of tabs, GraphiQL still sends the name of the other tab.
function hasOperation(query, operationName) {
  const names = query.matchAll(/\b(?:query|mutation|subscription)\s+(\w+)/g);
  return [...names].some(([, name]) => name === operationName);
}

function resetButton(React, ToolbarButton, onClick) {
  const path = React.createElement('path', {
    d: 'M4 12a8 8 0 1 0 2.6-5.9M4 3.5v5h5',
    stroke: 'currentColor',
    strokeWidth: 1.5,
    strokeLinecap: 'round',
    strokeLinejoin: 'round',
  });
  const icon = React.createElement(
    'svg',
    { className: 'graphiql-toolbar-icon', viewBox: '0 0 24 24', fill: 'none', 'aria-hidden': true },
    path,
  );
  return React.createElement(ToolbarButton, { label: 'Restore the initial tabs', onClick }, icon);
}

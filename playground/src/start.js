// Starts the explorer from the libraries it is handed, so that the bundle and the page without one share every choice.

// Everything the explorer remembers is under this prefix of the browser's local storage.
const PREFIX = 'commongraph:';

// GraphiQL's own names for what it remembers, with the prefix that it puts before each.
const TABS = 'graphiql:tabState';
const QUERY = 'graphiql:query';
const VARIABLES = 'graphiql:variables';
const HEADERS = 'graphiql:headers';
const PERSIST_HEADERS = 'graphiql:shouldPersistHeaders';

const NEW_TAB = `# Write an operation here and run it with Ctrl-Enter.
# The docs (first icon on the left) say what can be asked.
`;

// Draws the explorer into #explorer, as the page's settings say.
export function start({ React, createRoot, GraphiQL, ToolbarButton, explorerPlugin }) {
  const settings = JSON.parse(document.getElementById('explorer-settings').textContent);
  const tabs = settings.tabs.map(named);
  const storage = openStorage();
  const persist = persistsHeaders(storage, tabs);
  if (!storage.getItem(TABS) && tabs.length > 0) remember(storage, tabs);

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

// GraphiQL calls a tab what its operation is called, so an operation takes the words of its tab's title.
function named(tab) {
  const words = tab.title.match(/[A-Za-z0-9_]+/g) ?? [];
  const name = words.map((word) => word[0].toUpperCase() + word.slice(1)).join('').replace(/^(?=\d)/, '_');
  if (!name) return tab;
  const query = /^\s*\{/.test(tab.query)
    ? tab.query.replace(/^\s*/, `query ${name} `)
    : tab.query.replace(/^(\s*(?:query|mutation|subscription)\b)(?:\s+\w+)?/, `$1 ${name}`);
  return { ...tab, title: name, query };
}

// The settings dialog decides; before anybody used it, the headers of a demonstration are kept and no others.
function persistsHeaders(storage, tabs) {
  const chosen = storage.getItem(PERSIST_HEADERS);
  return chosen === null ? tabs.some((tab) => tab.headers) : chosen === 'true';
}

// Lays the tabs down as if they had been open before: GraphiQL fills its editors only from what it remembers.
function remember(storage, tabs) {
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

// The browser's local storage under our prefix, or this page's memory where that is closed to us.
function openStorage() {
  const memory = new Map();
  let kept = null;
  try {
    kept = window.localStorage;
  } catch {
    // A browser that keeps nothing: the explorer forgets when it is closed.
  }
  let open = true;
  const keys = () =>
    Object.keys(kept ?? Object.fromEntries(memory)).filter((key) => key.startsWith(PREFIX));
  return {
    getItem: (key) => (kept ? kept.getItem(PREFIX + key) : (memory.get(PREFIX + key) ?? null)),
    setItem: (key, value) => {
      if (!open) return;
      if (kept) kept.setItem(PREFIX + key, value);
      else memory.set(PREFIX + key, value);
    },
    removeItem: (key) => (kept ? kept.removeItem(PREFIX + key) : void memory.delete(PREFIX + key)),
    clear: () => keys().forEach((key) => (kept ? kept.removeItem(key) : memory.delete(key))),
    close: () => {
      open = false;
    },
    get length() {
      return keys().length;
    },
  };
}

// Sends an operation and hands back whatever the gateway said, whichever status it came with.
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
        body: JSON.stringify({ query, variables, operationName: holds(query, operationName) ? operationName : undefined }),
      });
    } catch (error) {
      return failed(`The request could not be sent: ${error.message}`);
    }
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      return failed(`The answer is no JSON (status ${response.status}): ${text.slice(0, 300)}`);
    }
  };
}

// Whether the document has this operation: right after a change of tabs, GraphiQL still names the other tab's.
function holds(query, operationName) {
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
  return React.createElement(ToolbarButton, { label: 'Back to the first tabs', onClick }, icon);
}

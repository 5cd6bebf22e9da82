// The entry point without a bundle. The same libraries come from a CDN, each with an integrity hash.
//
// A script loads them, because a tag in the page that waits for an unreachable host would keep the page blank.

import { start } from './start.js';

// After this time the page shows instructions. The explorer still starts if the files arrive later.
const LOAD_TIMEOUT_MS = 8000;

const settings = JSON.parse(document.getElementById('explorer-settings').textContent);
const showInstructions = () => document.body.classList.add('unloaded');

for (const element of document.querySelectorAll('.origin')) element.textContent = location.origin;

const timer = setTimeout(showInstructions, LOAD_TIMEOUT_MS);
Promise.all(settings.outside.map(load))
  .then(() => {
    const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;
    document.body.classList.remove('unloaded');
    start({
      React,
      createRoot: ReactDOM.createRoot,
      GraphiQL,
      ToolbarButton: GraphiQL.React.ToolbarButton,
      explorerPlugin: GraphiQLPluginExplorer.explorerPlugin,
    });
  })
  .catch((error) => {
    console.error(error);
    showInstructions();
  })
  .finally(() => clearTimeout(timer));

// Adds one file to the page. Scripts run in the order in which they are added.
function load({ url, integrity }) {
  const isStyle = url.endsWith('.css');
  const tag = document.createElement(isStyle ? 'link' : 'script');
  tag.crossOrigin = 'anonymous';
  tag.integrity = integrity;
  if (isStyle) {
    tag.rel = 'stylesheet';
    tag.href = url;
  } else {
    tag.async = false;
    tag.src = url;
  }
  return new Promise((loaded, failed) => {
    tag.onload = loaded;
    tag.onerror = () => failed(new Error(url));
    // Before the page's own style sheet, which must override this one.
    document.head.insertBefore(tag, isStyle ? document.querySelector('link[rel=stylesheet][href^="/"]') : null);
  });
}

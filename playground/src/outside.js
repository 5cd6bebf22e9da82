// The entry without a bundle: the same libraries come from a content delivery network, each under its integrity hash.
//
// They are loaded from here, not by tags in the page: a tag that waits for an unreachable host keeps the page blank.

import { start } from './start.js';

// After this long, what to do instead is shown; the explorer still starts if the files come in the end.
const PATIENCE_MS = 8000;

const settings = JSON.parse(document.getElementById('explorer-settings').textContent);
const giveUp = () => document.body.classList.add('unloaded');

for (const place of document.querySelectorAll('.origin')) place.textContent = location.origin;

const timer = setTimeout(giveUp, PATIENCE_MS);
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
    giveUp();
  })
  .finally(() => clearTimeout(timer));

// Adds one file to the page; scripts run in the order in which they are added.
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
    // A style before our own style sheet, which has the last word.
    document.head.insertBefore(tag, isStyle ? document.querySelector('link[rel=stylesheet][href^="/"]') : null);
  });
}

// The entry point of the bundle. The libraries are npm packages.

import * as React from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { ToolbarButton } from '@graphiql/react';
import { explorerPlugin } from '@graphiql/plugin-explorer';

import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';

import { start } from './start.js';

start({ React, createRoot, GraphiQL, ToolbarButton, explorerPlugin });

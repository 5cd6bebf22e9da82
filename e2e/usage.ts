// An application's use of the generated types. It must compile, and each line after `@ts-expect-error` must not.

import { AccountsDocument, WhoSignedInDocument } from './generated/codegen/client/graphql.js';
import type { AccountsQuery, WhoSignedInQuery } from './generated/codegen/operations.js';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

declare function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Data;

const page = ask(AccountsDocument, {});
export const names: (string | null | undefined)[] = page.connections?.nodes.map((row) => row.identity?.displayName) ?? [];
export const isWhole: boolean = page.connections?.incomplete.length === 0;
export const older: AccountsQuery = page;

// @ts-expect-error A page is null when its provider is down.
page.connections.nodes;
// @ts-expect-error A name is nullable.
export const name: string = page.connections!.nodes[0]!.identity!.displayName;
// @ts-expect-error The operation requires its token.
ask(WhoSignedInDocument, {});

const signIn: WhoSignedInQuery = ask(WhoSignedInDocument, { token: 't' });
const record = signIn.connection?.record;
// The other record types have no selected field, so the type identifies this one.
export const person: string | undefined = record && 'user' in record ? record.user?.userToken : undefined;

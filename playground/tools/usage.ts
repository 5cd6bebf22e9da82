// An application's use of the generated types: it must compile, and what would be wrong must not.

import { AccountsDocument, WhoSignedInDocument } from './generated/codegen/client/graphql.js';
import type { AccountsQuery, WhoSignedInQuery } from './generated/codegen/operations.js';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

declare function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Data;

const page = ask(AccountsDocument, {});
export const names: (string | null | undefined)[] = page.connections?.nodes.map((row) => row.identity?.displayName) ?? [];
export const isWhole: boolean = page.connections?.incomplete.length === 0;
export const older: AccountsQuery = page;

// @ts-expect-error A page may be missing, when its provider is down.
page.connections.nodes;
// @ts-expect-error A name may be missing.
export const name: string = page.connections!.nodes[0]!.identity!.displayName;
// @ts-expect-error The callback's operation needs its token.
ask(WhoSignedInDocument, {});

const signIn: WhoSignedInQuery = ask(WhoSignedInDocument, { token: 't' });
const record = signIn.connection?.record;
// The other sorts of record have no field in the answer, so the type says which one it is.
export const person: string | undefined = record && 'user' in record ? record.user?.userToken : undefined;

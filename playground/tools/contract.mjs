// What has changed since the last release's schema, and whether it may: what breaks a client's documents needs a new major
// version of the program. The last release's schema is schema.released.graphql, whose first line names its version.

import { readFile } from 'node:fs/promises';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { here } from './world.mjs';

const RELEASED = here('../../schema.released.graphql');
const MANIFEST = here('../../Cargo.toml');

/** The last release: `{ version, text }`. */
export async function lastRelease() {
  const text = await readFile(RELEASED, 'utf8');
  return { version: text.match(/^# commongraph (\d+\.\d+\.\d+)\n/)?.[1], text };
}

/** The version that Cargo.toml gives the program. */
export async function ownVersion() {
  return (await readFile(MANIFEST, 'utf8')).match(/^version = "(\d+\.\d+\.\d+)"$/m)?.[1];
}

/**
 * Whether a program of version `now` with this schema keeps what a release promised: `{ isKept, breaking, dangerous }`, the
 * changes in the words of graphql-inspector. What breaks a document is kept only by a new major version.
 */
export async function judge(release, schema, now) {
  const all = await diff(buildSchema(release.text), buildSchema(schema));
  const of = (level) => all.filter(({ criticality }) => criticality.level === level).map(({ message }) => message);
  const [breaking, dangerous] = [of(CriticalityLevel.Breaking), of(CriticalityLevel.Dangerous)];
  return { isKept: breaking.length === 0 || isNewMajor(release.version, now), breaking, dangerous };
}

/** Whether the second version is of a later major one than the first. Before 1.0 the second number is the major one. */
function isNewMajor(then, now) {
  const [[one, two], [other, another]] = [then, now].map((version) => version.split('.').map(Number));
  return other > one || (other === one && one === 0 && another > two);
}

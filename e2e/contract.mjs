// Compares the schema with that of the last release. A change that breaks client documents needs a new major version. The
// last release's schema is schema.released.graphql, whose first line has its version.

import { readFile } from 'node:fs/promises';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { here } from './world.mjs';

const RELEASED = here('../schema.released.graphql');
const MANIFEST = here('../Cargo.toml');

/** The last release: `{ version, text }`. */
export async function lastRelease() {
  const text = await readFile(RELEASED, 'utf8');
  return { version: text.match(/^# commongraph (\d+\.\d+\.\d+)\n/)?.[1], text };
}

/** The program's version in Cargo.toml. */
export async function ownVersion() {
  return (await readFile(MANIFEST, 'utf8')).match(/^version = "(\d+\.\d+\.\d+)"$/m)?.[1];
}

/**
 * Whether version `now` with this schema is compatible with a release: `{ isCompatible, breaking, dangerous }`. The changes are
 * described by graphql-inspector. A breaking change is allowed only in a new major version.
 */
export async function judge(release, schema, now) {
  const all = await diff(buildSchema(release.text), buildSchema(schema));
  const of = (level) => all.filter(({ criticality }) => criticality.level === level).map(({ message }) => message);
  const [breaking, dangerous] = [of(CriticalityLevel.Breaking), of(CriticalityLevel.Dangerous)];
  return { isCompatible: breaking.length === 0 || isNewMajor(release.version, now), breaking, dangerous };
}

/** Whether the second version is a later major version than the first. Before 1.0, the second number is the major version. */
function isNewMajor(then, now) {
  const [[one, two], [other, another]] = [then, now].map((version) => version.split('.').map(Number));
  return other > one || (other === one && one === 0 && another > two);
}

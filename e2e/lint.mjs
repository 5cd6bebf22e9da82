// The findings of graphql-eslint's schema and Relay rules that are accepted, each with its reason.
//
// An exception names a rule and its locations, each as Type or Type.field. `*` matches any name, and `values` matches
// every list whose items are not nodes. A finding without an exception fails, and so does an exception without a finding.

import { readFile } from 'node:fs/promises';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { getNamedType, isInterfaceType, isObjectType, parse, visit } from 'graphql';

export const EXCEPTIONS = [
  {
    rule: 'relay-connection-types',
    at: ['Connection'],
    reason: 'both providers call the noun a connection; by the ending of its name the rule takes it for a page',
  },
  {
    rule: 'relay-arguments',
    at: [
      'ConnectionConnection.nodes', 'ConnectionEdge.node', 'PublicizeRecord.keyringConnection', 'Query.connection',
      'PublicizeConnectionSharePayload.connection', 'Site.publicizeConnections',
    ],
    reason: 'these lead to the noun Connection, which is no page',
  },
  {
    rule: 'relay-arguments',
    at: [
      'Identity.connections', 'Service.connections', 'Service.identities', 'Viewer.applications', 'Viewer.connections',
      'Viewer.identities',
    ],
    reason: "Relay asks for one direction; these lists page forward, as a person's own accounts are read",
  },
  {
    rule: 'relay-edge-types',
    at: ['*Connection.nodes'],
    reason: 'a page offers its rows also without cursors',
  },
  {
    rule: 'relay-edge-types',
    at: ['values'],
    reason: 'a list of values is no page: it is short, comes whole with what it belongs to, and has nothing to page by',
  },
  {
    rule: 'relay-edge-types',
    at: ['Connection.sites', 'OneAllUser.identities', 'Query.nodes', 'Site.publicizeConnections', 'WordPressUser.sites'],
    reason: 'the provider gives these lists whole (and `nodes` answers a list of IDs), so a page would cost the same calls',
  },
  {
    rule: 'strict-id-in-types',
    at: ['*Connection', '*Edge', 'PageInfo', 'IncompleteSide'],
    reason: 'a page and its parts belong to one answer and cannot be asked for again by an ID',
  },
  {
    rule: 'strict-id-in-types',
    at: [
      'Account', 'AdditionalAccount', 'Address', 'ApplicationAccess', 'ConnectionHealth', 'EmailEntry', 'HealthAction',
      'IdentityMatch', 'KeyringRecord', 'LabelledValue', 'Organization', 'Permission', 'PersonName', 'Photo', 'Profile', 'ProviderState',
      'PublicizeRecord', 'RateLimit', 'Relationship', 'SignInPlugin', 'SignInRecord', 'SignInResult', 'UrlEntry',
    ],
    reason: 'a value has no identity of its own: it is part of the thing that holds it',
  },
  {
    rule: 'strict-id-in-types',
    at: ['*Payload', 'UserError'],
    reason: 'what came of a mutation belongs to its one answer and cannot be asked for again by an ID',
  },
  {
    rule: 'strict-id-in-types',
    at: ['OneAllUser', 'Viewer', 'WordPressUser'],
    reason: 'a person is reached through the credential or the sign-in that leads to them, never by an ID that anybody may send',
  },
  {
    rule: 'no-typename-prefix',
    at: ['Site.siteId'],
    reason: "it is WordPress.com's number; `id` is the graph's",
  },
];

/** The findings of the rules, each with its location. */
export async function findings(path, schema) {
  const rules = { ...plugin.configs['flat/schema-recommended'].rules, ...plugin.configs['flat/schema-relay'].rules };
  const eslint = new ESLint({
    cwd: path.replace(/\/[^/]*$/, ''),
    overrideConfigFile: true,
    overrideConfig: [
      {
        files: ['*.graphql'],
        languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: path } } },
        plugins: { '@graphql-eslint': plugin },
        rules,
      },
    ],
  });
  const [{ messages }] = await eslint.lintFiles([path]);
  const places = placesByLine(await readFile(path, 'utf8'));
  return messages.map(({ ruleId, line, message }) => {
    const place = places.get(line) ?? `line ${line}`;
    const words = message.split('\n')[0];
    return { rule: String(ruleId).replace('@graphql-eslint/', ''), place, message: words, isOfValues: isListOfValues(schema, place) };
  });
}

/** The findings without an exception, and the exceptions without a finding. */
export function judge(found, exceptions = EXCEPTIONS) {
  const claims = exceptions.flatMap(({ rule, at }) => at.map((place) => ({ rule, place, used: false })));
  const strange = found.filter((one) => {
    const covering = claims.filter(({ rule, place }) => rule === one.rule && covers(place, one));
    covering.forEach((claim) => (claim.used = true));
    return covering.length === 0;
  });
  return { strange, idle: claims.filter(({ used }) => !used) };
}

function covers(place, finding) {
  if (place === 'values') return finding.isOfValues;
  const pattern = place.replaceAll('.', '\\.').replaceAll('*', '\\w+');
  return new RegExp(`^${pattern}$`).test(finding.place);
}

function placesByLine(text) {
  const places = new Map();
  let type = '';
  const enter = {
    ObjectTypeDefinition: (node) => open(node),
    InterfaceTypeDefinition: (node) => open(node),
    FieldDefinition: (node) => {
      const [first, last] = [node.name.loc.startToken.line, node.type.loc.endToken.line];
      for (let line = first; line <= last; line += 1) places.set(line, `${type}.${node.name.value}`);
    },
  };
  const open = (node) => {
    type = node.name.value;
    places.set(node.name.loc.startToken.line, type);
  };
  visit(parse(text), { enter: (node) => void enter[node.kind]?.(node) });
  return places;
}

function isListOfValues(schema, place) {
  const [type, field] = place.split('.');
  const named = field && getNamedType(schema.getType(type).getFields()[field].type);
  if (!named) return false;
  const interfaces = isObjectType(named) ? named.getInterfaces() : [];
  return !isInterfaceType(named) && !interfaces.some(({ name }) => name === 'Node');
}

// An accounts page of a Relay application: a list with pagination, a row that is refetched by ID, and the viewer's own
// list. It is compiled, and its operations are run, but it is not rendered.

import { graphql } from 'relay-runtime';

export const page = graphql`
  query AccountsPageQuery($count: Int!, $cursor: String) {
    ...AccountsPage_connections @arguments(count: $count, cursor: $cursor)
    applications(first: 5) {
      nodes {
        id
        name
        site {
          name
        }
      }
    }
  }
`;

export const connections = graphql`
  fragment AccountsPage_connections on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 3 }, cursor: { type: "String" })
  @refetchable(queryName: "AccountsPagePaginationQuery") {
    connections(first: $count, after: $cursor) @connection(key: "AccountsPage_connections") {
      totalCount
      incomplete {
        provider
        code
      }
      edges {
        node {
          id
          provider
          ...AccountsPage_row
        }
      }
    }
  }
`;

export const row = graphql`
  fragment AccountsPage_row on Connection @refetchable(queryName: "AccountsPageRowQuery") {
    kind
    service {
      label
    }
    health {
      state
    }
    identity {
      displayName
    }
    record {
      ... on SignInRecord {
        connectionToken
      }
      ... on PublicizeRecord {
        site {
          name
        }
      }
    }
  }
`;

export const own = graphql`
  fragment AccountsPage_own on Viewer
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "AccountsPageOwnQuery") {
    connections(first: $count, after: $cursor) @connection(key: "AccountsPage_own_connections") {
      edges {
        node {
          id
        }
      }
    }
  }
`;

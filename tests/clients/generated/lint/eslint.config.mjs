// The rules for schemas that graphql-eslint recommends, and those for Relay.
import graphql from '@graphql-eslint/eslint-plugin';

const { rules: recommended } = graphql.configs['flat/schema-recommended'];
const { rules: relay } = graphql.configs['flat/schema-relay'];

export default [
  {
    files: ['*.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
    },
    rules: {
      ...recommended,
      ...relay,
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            // A page and its items are where they are asked for: the things in them have ids.
            suffixes: ['Connection', 'Edge'],
            // Values: parts of an answer, or, as a store, known by a name.
            types: ['DegradedLeg', 'PageInfo', 'Path', 'SearchMatch', 'Store', 'Subgraph'],
          },
        },
      ],
      // Lists of a thing's own, and searches, are walked forward only.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // Beside its edges a page lists its nodes; paths and subgraphs are short lists without pages.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];

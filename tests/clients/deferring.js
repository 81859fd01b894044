// Queries with @defer through the client that is given: what came first, and what it was in the end.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { cacheExchange, Client, fetchExchange } from '@urql/core';
import { tell, VARIABLES } from './questions.js';
import { soon, watch } from './wire.js';

const [url, client] = process.argv.slice(2);
const wire = watch();

const DEFERRED = `query Deferred($key: String!) {
  entity(key: $key) { id key ...Facts @defer }
}
fragment Facts on Entity { facts(first: 2) { nodes { id key } } }`;
const FAILING = `query Failing($key: String!) {
  entity(key: $key) { id key }
  ...Node @defer
}
fragment Node on Query { node(id: "nonsense") { id } }`;

const HANDLERS = { 'apollo': GraphQL17Alpha9Handler, 'apollo 2022': Defer20220824Handler };

function apollo() {
  const client = new ApolloClient({
    link: new HttpLink({ uri: url, fetch: wire.fetch }),
    cache: new InMemoryCache(),
    incrementalHandler: new HANDLERS[process.argv[3]](),
  });
  return (query) => {
    const options = { query: gql(query), variables: VARIABLES, errorPolicy: 'all' };
    return (sink) => client.watchQuery(options).subscribe(sink);
  };
}

function urql() {
  const client = new Client({
    url, fetch: wire.fetch, preferGetMethod: false, exchanges: [cacheExchange, fetchExchange],
  });
  return (query) => (sink) => client.query(query, VARIABLES).subscribe(sink.next);
}

// All that is told until no more is to come.
async function told(subscribe) {
  const results = [];
  let subscription;
  const end = new Promise((resolve, reject) => {
    subscription = subscribe({
      next: ({ data = null, error, dataState, hasNext, stale }) => {
        const errors = error?.graphQLErrors ?? error?.errors ?? [];
        results.push({ data, errors });
        const isWhole = dataState ? dataState === 'complete' || errors.length > 0 : !hasNext && !stale;
        if (isWhole) resolve();
      },
      error: reject,
    });
  });
  try {
    await soon(end);
  } finally {
    subscription?.unsubscribe();
  }
  return results;
}

const ask = client === 'urql' ? urql() : apollo();
tell('deferred', await told(ask(DEFERRED)));
tell('failing', await told(ask(FAILING)));
tell('types', wire.requests.map(({ type }) => type));

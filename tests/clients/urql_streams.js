// The client of urql by the way that is given (http or socket): subscriptions, and a query beside them.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import {
  NO_STORE, NO_STRING, STATUS, STORE, STRAY, tell, VARIABLES, WHOLE,
} from './questions.js';
import { first, socketUrl, soon, watch } from './wire.js';

const [url, way] = process.argv.slice(2);
const wire = watch();
const socket = createClient({ url: socketUrl(url), webSocketImpl: wire.Socket });
const bySocket = subscriptionExchange({
  forwardSubscription: (request) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
  }),
});
const client = new Client({
  url,
  preferGetMethod: false,
  fetchSubscriptions: way === 'http',
  exchanges: way === 'http' ? [fetchExchange] : [fetchExchange, bySocket],
  fetch: wire.fetch,
});

function plain({ data = null, error }) {
  const { graphQLErrors = [], networkError } = error ?? {};
  return { data, errors: graphQLErrors, network: networkError?.message ?? null };
}

async function asked(query, variables) {
  const results = client.subscription(query, variables);
  return plain(await first(({ next }) => results.subscribe(next)));
}

tell('subscription', await asked(STATUS, STORE));
tell('stray', await asked(STRAY, {}));
tell('variables', await asked(STATUS, NO_STRING));
tell('no store', await asked(STATUS, NO_STORE));
tell('query', plain(await soon(client.query(WHOLE, VARIABLES).toPromise())));
await socket.dispose();
tell('wire', wire);

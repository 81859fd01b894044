// Apollo Client by the way that is given (multipart or socket): subscriptions.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { NO_STORE, NO_STRING, STATUS, STORE, STRAY, tell } from './questions.js';
import { first, socketUrl, watch } from './wire.js';

const [url, way] = process.argv.slice(2);
const wire = watch();
const socket = createClient({ url: socketUrl(url), webSocketImpl: wire.Socket });
const links = {
  multipart: new HttpLink({ uri: url, fetch: wire.fetch }),
  socket: new GraphQLWsLink(socket),
};
const client = new ApolloClient({ link: links[way], cache: new InMemoryCache() });

async function asked(query, variables) {
  const results = client.subscribe({ query: gql(query), variables });
  const { data = null, error } = await first((sink) => results.subscribe(sink));
  return { data, kind: error?.name ?? null, errors: error?.errors ?? [] };
}

tell('subscription', await asked(STATUS, STORE));
tell('stray', await asked(STRAY));
tell('variables', await asked(STATUS, NO_STRING));
tell('no store', await asked(STATUS, NO_STORE));
await socket.dispose();
tell('wire', wire);

// Apollo Client asks one question twice by its hash.
import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { tell, VARIABLES, WHOLE } from './questions.js';
import { watch } from './wire.js';

const [url] = process.argv.slice(2);
const wire = watch();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const persisted = createPersistedQueryLink({ sha256, useGETForHashedQueries: true });
const link = persisted.concat(new HttpLink({ uri: url, fetch: wire.fetch }));
const client = new ApolloClient({ link, cache: new InMemoryCache() });

const query = gql(WHOLE.replace('Whole', 'PersistedByApollo')); // one that nobody else has sent
for (const time of ['first', 'second']) {
  const { data } = await client.query({ query, variables: VARIABLES, fetchPolicy: 'network-only' });
  tell(time, { data, requests: wire.requests.splice(0) });
}

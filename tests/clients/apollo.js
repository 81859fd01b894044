// Apollo Client asks the server at the URL that is given, by each policy of errors.
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PARTLY, tell, UNREADABLE, VARIABLES, WHOLE, WRONG } from './questions.js';

const [url] = process.argv.slice(2);

async function asked(query, variables, errorPolicy) {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
  const { data = null, error } = await client
    .query({ query: gql(query), variables, errorPolicy })
    .catch((error) => ({ error }));
  if (error && !CombinedGraphQLErrors.is(error)) throw error;
  return { data: bare(data), message: error?.message ?? null, errors: error?.errors ?? [] };
}

// Without the names of types, which the client asks for itself.
function bare(data) {
  const kept = (name, value) => (name === '__typename' ? undefined : value);
  return JSON.parse(JSON.stringify(data), kept);
}

tell('whole', await asked(WHOLE, VARIABLES));
for (const policy of ['none', 'all', 'ignore']) {
  tell(policy, await asked(PARTLY, UNREADABLE, policy));
}
tell('wrong', await asked(WRONG, VARIABLES));

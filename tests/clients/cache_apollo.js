// Apollo Client over a cache of its own, as it is without any settings.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { loadDevMessages, loadErrorMessages } from '@apollo/client/dev';

loadDevMessages(); // else a warning is only a number
loadErrorMessages();

export function open(url) {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
  return {
    async ask(query, variables) {
      const options = { query: gql(query), variables, fetchPolicy: 'network-only' };
      return (await client.query(options)).data;
    },
    read: (query, variables) => client.readQuery({ query: gql(query), variables }),
  };
}

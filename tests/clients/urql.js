// The client of urql asks the server at the URL that is given, by the method that is given.
// Without a cache: what comes is what was answered.
import { Client, CombinedError, fetchExchange } from '@urql/core';
import { PARTLY, tell, UNREADABLE, VARIABLES, WHOLE, WRONG } from './questions.js';

const [url, method] = process.argv.slice(2);
const methods = [];
const client = new Client({
  url,
  preferGetMethod: method === 'GET',
  exchanges: [fetchExchange],
  fetch: (resource, options) => {
    methods.push(options.method);
    return fetch(resource, options);
  },
});

async function asked(query, variables) {
  const { data = null, error } = await client.query(query, variables).toPromise();
  if (error && !(error instanceof CombinedError)) throw error;
  const { graphQLErrors = [], networkError } = error ?? {};
  return { data, errors: graphQLErrors, network: networkError?.message ?? null };
}

tell('whole', await asked(WHOLE, VARIABLES));
tell('partly', await asked(PARTLY, UNREADABLE));
tell('wrong', await asked(WRONG, VARIABLES));
tell('methods', methods);

// graphql-request asks the server at the URL that is given.
import { ClientError, GraphQLClient } from 'graphql-request';
import { PARTLY, tell, UNREADABLE, VARIABLES, WHOLE, WRONG } from './questions.js';

const [url] = process.argv.slice(2);
const client = new GraphQLClient(url);

function failure(error) {
  if (!(error instanceof ClientError)) throw error;
  const { data = null, errors, status } = error.response;
  return { data, errors, status };
}

tell('whole', await client.request(WHOLE, VARIABLES));
tell('by GET', await new GraphQLClient(url, { method: 'GET' }).request(WHOLE, VARIABLES));
tell('partly', await client.request(PARTLY, UNREADABLE).catch(failure));
tell('wrong', await client.request(WRONG, VARIABLES).catch(failure));
tell('variable', await client.request(WHOLE, { key: null }).catch(failure));

const all = new GraphQLClient(url, { errorPolicy: 'all' });
const { data, errors } = await all.rawRequest(PARTLY, UNREADABLE);
tell('all', { data, errors });

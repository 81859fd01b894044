// The client of urql asks one question twice by its hash.
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { tell, VARIABLES, WHOLE } from './questions.js';
import { watch } from './wire.js';

const [url] = process.argv.slice(2);
const wire = watch();
const exchanges = [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange];
const client = new Client({ url, preferGetMethod: false, exchanges, fetch: wire.fetch });

const query = WHOLE.replace('Whole', 'PersistedByUrql'); // one that nobody else has sent
for (const time of ['first', 'second']) {
  const { data, error } = await client.query(query, VARIABLES).toPromise();
  if (error) throw error;
  tell(time, { data, requests: wire.requests.splice(0) });
}

// The client of graphql-sse, with a connection for each operation, as it is without any settings.
import { createClient } from 'graphql-sse';
import {
  NO_STORE, NO_STRING, STATUS, STORE, STRAY, tell, VARIABLES, WHOLE, WRONG,
} from './questions.js';
import { soon, watch } from './wire.js';

const [url] = process.argv.slice(2);
const wire = watch();
const client = createClient({ url, fetchFn: wire.fetch });

async function first(query, variables) {
  for await (const result of client.iterate({ query, variables })) return result;
}

// An error of the network would be thrown.
async function all(query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  return results;
}

tell('subscription', await soon(first(STATUS, STORE)));
tell('query', await soon(all(WHOLE, VARIABLES)));
tell('wrong', await soon(all(WRONG, VARIABLES)));
tell('stray', await soon(all(STRAY)));
tell('variables', await soon(all(STATUS, NO_STRING)));
tell('no store', await soon(all(STATUS, NO_STORE)));
client.dispose();
tell('wire', wire);

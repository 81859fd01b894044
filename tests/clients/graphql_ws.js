// The client of graphql-ws, over one socket to the server at the URL that is given.
import { createClient } from 'graphql-ws';
import {
  NO_STORE, NO_STRING, STATUS, STORE, STRAY, tell, VARIABLES, WHOLE, WRONG,
} from './questions.js';
import { socketUrl, soon, watch } from './wire.js';

const [url] = process.argv.slice(2);
const wire = watch();
const client = createClient({ url: socketUrl(url), webSocketImpl: wire.Socket, lazy: false });
let connections = 0;
client.on('connected', () => (connections += 1));

async function first(query, variables) {
  for await (const result of client.iterate({ query, variables })) return result;
}

// Every result, and the errors that it ended with.
async function all(query, variables) {
  const results = [];
  try {
    for await (const result of client.iterate({ query, variables })) results.push(result);
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors; // the socket's end, not the operation's
    return { results, errors };
  }
  return { results, errors: null };
}

tell('subscription', await soon(first(STATUS, STORE)));
tell('query', await soon(all(WHOLE, VARIABLES)));
tell('wrong', await soon(all(WRONG, VARIABLES)));
tell('stray', await soon(all(STRAY)));
tell('variables', await soon(all(STATUS, NO_STRING)));
tell('no store', await soon(all(STATUS, NO_STORE)));
tell('query again', await soon(all(WHOLE, VARIABLES)));

const ended = new Promise((resolve) => client.on('closed', resolve));
await client.dispose();
await soon(ended);
tell('connections', connections);
tell('wire', wire);

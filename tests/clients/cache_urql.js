// The client of urql over a Graphcache of its own.
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';

// Graphcache warns of every type without an id that it is not told of, but for connections and edges.
const keys = { Subgraph: () => null };

export function open(url) {
  const exchanges = [cacheExchange({ keys }), fetchExchange];
  const client = new Client({ url, preferGetMethod: false, exchanges });
  const by = (requestPolicy) => async (query, variables) => {
    const { data, error } = await client.query(query, variables, { requestPolicy }).toPromise();
    if (error) throw error;
    return data;
  };
  return { ask: by('network-only'), read: by('cache-only') };
}

// Asks the server at the URL that is given, by documents and types made from the schema alone.
import {
  CrewDocument,
  FindDocument,
  type CrewQuery,
  type FindQueryVariables,
  type TypedDocumentString,
} from './gql/graphql.js';

declare const process: { argv: string[] };

const [url = ''] = process.argv.slice(2);

async function ask<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors }: { data?: Data; errors?: unknown } = await response.json();
  if (data === undefined || errors !== undefined) {
    throw new Error(JSON.stringify(errors));
  }
  return data;
}

// What the compiler must refuse, since the schema does.
export function refused(crew: CrewQuery): void {
  // @ts-expect-error: a key may name no entity
  crew.snapshot.entity.name;
  // @ts-expect-error: a JSON value is of no known type
  crew.snapshot.entity?.attributes.launched;
  // @ts-expect-error: the key is required
  void ask(CrewDocument, { validAt: '1968-01-01T00:00:00Z' });
  // @ts-expect-error: a mode is one of three
  void ask(FindDocument, { query: 'crew', mode: 'BOTH' });
}

const crew = await ask(CrewDocument, { key: 'mission/apollo-8', validAt: '1968-01-01T00:00:00Z' });
const entity = crew.snapshot.entity;
const planned: string[] | undefined = entity?.facts?.nodes.map((fact) => fact.subject.name);
console.log(JSON.stringify({ name: entity?.name, attributes: entity?.attributes, planned }));

const variables: FindQueryVariables = {
  query: 'Borman',
  mode: 'KEYWORD',
  filter: { entityTypes: ['Person'] },
};
const found = await ask(FindDocument, variables);
for (const { node, score } of found.search?.edges ?? []) {
  const text = node.__typename === 'Entity' ? node.name : null;
  console.log(JSON.stringify({ type: node.__typename, text, scored: score > 0 }));
}

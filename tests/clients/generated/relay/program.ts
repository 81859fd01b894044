// Asks the server at the URL that is given, and reads the answers from one Relay store.
import {
  Environment,
  Network,
  RecordSource,
  Store,
  createOperationDescriptor,
  fetchQuery,
  getPaginationMetadata,
  getPaginationVariables,
  getSingularSelector,
  type ConcreteRequest,
  type OperationType,
} from 'relay-runtime';

import type { MissionMomentsQuery } from './made/MissionMomentsQuery.graphql';
import type { MissionNodeQuery } from './made/MissionNodeQuery.graphql';
import type { MissionNowQuery } from './made/MissionNowQuery.graphql';
import type { MissionThenQuery } from './made/MissionThenQuery.graphql';
import type { Mission_plans$data, Mission_plans$key } from './made/Mission_plans.graphql';

import momentsQuery from './made/MissionMomentsQuery.graphql';
import nodeQuery from './made/MissionNodeQuery.graphql';
import nowQuery from './made/MissionNowQuery.graphql';
import thenQuery from './made/MissionThenQuery.graphql';
import plans from './made/Mission_plans.graphql';
import documents from './persisted.json';

declare const process: { argv: string[] };

const [url = ''] = process.argv.slice(2);
const key = 'mission/apollo-8';
const early = '1968-01-01T00:00:00Z';
const late = '1968-10-01T00:00:00Z';

const texts: Record<string, string> = documents;

/** An empty store before the server. */
function started(): Environment {
  const network = Network.create(async ({ id }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: texts[id ?? ''], variables }),
    });
    return response.json();
  });
  return new Environment({ network, store: new Store(new RecordSource()) });
}

/** Asks, and has the store keep the answer. */
async function ask<Query extends OperationType>(
  environment: Environment,
  request: ConcreteRequest,
  variables: Query['variables'],
): Promise<Query['response']> {
  environment.retain(createOperationDescriptor(request, variables));
  await fetchQuery<Query>(environment, request, variables).toPromise();
  return stored<Query>(environment, request, variables);
}

/** What the store has for a query, and nothing may be missing. */
function stored<Query extends OperationType>(
  environment: Environment,
  request: ConcreteRequest,
  variables: Query['variables'],
): Query['response'] {
  const { data, isMissingData } = environment.lookup(
    createOperationDescriptor(request, variables).fragment,
  );
  if (isMissingData || !data) {
    throw new Error(`the store lacks a part of ${request.params.name}`);
  }
  return data;
}

type Thing = Mission_plans$key & { readonly id?: string };

/** What the store has of an entity: its key and who is planned to fly, page by page as they came. */
function read(environment: Environment, entity: Thing | null | undefined) {
  const { data, isMissingData } = environment.lookup(getSingularSelector(plans, entity));
  if (isMissingData || !data) {
    throw new Error('the store lacks a part of an entity');
  }
  const { facts } = data as unknown as Mission_plans$data;
  return {
    id: entity?.id,
    names: facts?.edges.map(({ node }) => node.subject.name),
    ends: [...new Set(facts?.edges.map(({ node }) => node.validTo))],
    more: facts?.pageInfo.hasNextPage,
    cursor: facts?.pageInfo.endCursor,
  };
}

/** Fetches the next page of an entity's facts, by its id, into the same connection. */
async function next(environment: Environment, entity: Thing | null | undefined): Promise<void> {
  const { paginationRequest, paginationMetadata } = getPaginationMetadata(plans, 'program');
  const { id, cursor } = read(environment, entity);
  const { variables } = getSingularSelector(plans, entity);
  const page = getPaginationVariables('forward', 4, cursor, variables, {}, paginationMetadata);
  await ask(environment, paginationRequest, { ...page, id });
}

async function pages() {
  const environment = started();
  const { entity } = await ask<MissionNowQuery>(environment, nowQuery, { key, count: 2 });
  const first = read(environment, entity);
  await next(environment, entity);
  return { first, second: read(environment, entity) };
}

async function oneOperation() {
  const environment = started();
  const variables = { key, early, late };
  const answer = await ask<MissionMomentsQuery>(environment, momentsQuery, variables);
  await next(environment, answer.early.entity);
  const { early: then, hindsight, late: later } = answer;
  return {
    early: read(environment, then.entity),
    hindsight: read(environment, hindsight.entity),
    late: read(environment, later.entity),
  };
}

async function severalOperations() {
  const environment = started();
  const at = async (validAt: string, knownAt: string) => {
    const variables = { key, validAt, knownAt };
    return (await ask<MissionThenQuery>(environment, thenQuery, variables)).snapshot.entity;
  };
  const then = await at(early, early);
  const hindsight = await at(early, late);
  const later = await at(late, late);
  const { node } = await ask<MissionNodeQuery>(environment, nodeQuery, { id: then?.id ?? '' });
  return {
    early: read(environment, then),
    hindsight: read(environment, hindsight),
    late: read(environment, later),
    refetched: { ...read(environment, node?.entity), id: node?.id },
  };
}

async function main(): Promise<void> {
  console.log(JSON.stringify(await pages()));
  console.log(JSON.stringify(await oneOperation()));
  console.log(JSON.stringify(await severalOperations()));
}

void main();

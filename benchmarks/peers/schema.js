// The schema of the workload, and the loaders of one request, as the documentation of graphql-js and of
// dataloader has them.

import DataLoader from "dataloader";
import {
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from "graphql";

const some = (type) => ({ type: new GraphQLNonNull(type) });
const list = (type) => new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
const first = (count) => ({ first: { type: new GraphQLNonNull(GraphQLInt), defaultValue: count } });

const Entity = new GraphQLObjectType({
  name: "Entity",
  fields: {
    id: some(GraphQLID),
    name: some(GraphQLString),
    type: some(GraphQLString),
    summary: { type: GraphQLString },
  },
});

const Chunk = new GraphQLObjectType({
  name: "Chunk",
  fields: {
    id: some(GraphQLID),
    text: some(GraphQLString),
    position: some(GraphQLInt),
    score: some(GraphQLFloat),
    entities: {
      type: list(Entity),
      args: first(3),
      resolve: (chunk, { first }, context) => context.entities(first).load(chunk.id),
    },
  },
});

const Document = new GraphQLObjectType({
  name: "Document",
  fields: {
    id: some(GraphQLID),
    title: some(GraphQLString),
    uri: some(GraphQLString),
    createdAt: {
      // A string, since graphql-jit's own serializer refuses scalars that are not built in.
      ...some(GraphQLString),
      resolve: ({ created_at }) => `${created_at.toISOString().slice(0, 19)}+00:00`,
    },
    chunks: {
      type: list(Chunk),
      args: first(10),
      resolve: (document, { first }, context) => context.chunks(first).load(document.id),
    },
  },
});

export function createSchema(memory) {
  const documents = memory.documents.map((document) => ({
    ...document,
    created_at: new Date(document.created_at),
  }));
  const Query = new GraphQLObjectType({
    name: "Query",
    fields: {
      documents: {
        type: list(Document),
        args: first(50),
        resolve: async (_, { first }) => documents.slice(0, first),
      },
    },
  });
  return new GraphQLSchema({ query: Query });
}

export function createContext(memory) {
  return { chunks: loaders(memory.chunks), entities: loaders(memory.entities) };
}

// One loader for each `first`: its keys are then ids, which costs less than keys made of both.
function loaders(lists) {
  const byFirst = new Map();
  return (first) => {
    let loader = byFirst.get(first);
    if (loader === undefined) {
      loader = new DataLoader(async (ids) => ids.map((id) => lists[id].slice(0, first)));
      byFirst.set(first, loader);
    }
    return loader;
  };
}

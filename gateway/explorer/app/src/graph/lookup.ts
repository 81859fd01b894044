// The operation that shows an entity with its facts.
import { parse, print } from "graphql";

import type { Link } from "../link";
import type { Entity } from "./graph";

const FIELDS = `
  id key name type summary
  facts(first: 50) {
    nodes {
      predicate statement validFrom validTo
      subject { id key name type }
      object { id key name type }
    }
  }`;

const BY_ID = `query EntityById($id: ID!) { node(id: $id) { ... on Entity { ${FIELDS} } } }`;
const BY_KEY = `query EntityByKey($key: String!) { entity(key: $key) { ${FIELDS} } }`;
const BY_NAME = `query EntityByName($name: String!) { entity(name: $name) { ${FIELDS} } }`;

/** By id where the answer has it, else by key, else by name. */
export function lookup({ id, key, name }: Entity): Link {
  if (id !== null) return link(BY_ID, { id });
  if (key !== null) return link(BY_KEY, { key });
  return link(BY_NAME, { name });
}

function link(query: string, variables: Record<string, string>): Link {
  return { query: print(parse(query)), variables: JSON.stringify(variables, null, 2) };
}

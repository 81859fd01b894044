// From a query's text and variables to JSON, documents parsed, validated and compiled once.

import { execute, parse, validate } from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";

import { createContext, createSchema } from "./schema.js";

export function createExecutors(memory) {
  const schema = createSchema(memory);
  const context = () => createContext(memory);
  return {
    "graphql-js": graphqlJs(schema, context),
    "graphql-jit": graphqlJit(schema, context, { customJSONSerializer: false }),
    "graphql-jit, fast-json-stringify": graphqlJit(schema, context, { customJSONSerializer: true }),
  };
}

function graphqlJs(schema, context) {
  const documentOf = remembered((text) => validated(schema, text));
  return async (text, variableValues) => {
    const document = documentOf(text);
    const result = await execute({ schema, document, contextValue: context(), variableValues });
    return Buffer.from(JSON.stringify(result));
  };
}

function graphqlJit(schema, context, options) {
  const compiledOf = remembered((text) => {
    const compiled = compileQuery(schema, validated(schema, text), undefined, options);
    if (!isCompiledQuery(compiled)) throw new Error(JSON.stringify(compiled));
    return compiled;
  });
  return async (text, variables) => {
    const compiled = compiledOf(text);
    return Buffer.from(compiled.stringify(await compiled.query(undefined, context(), variables)));
  };
}

function validated(schema, text) {
  const document = parse(text);
  const errors = validate(schema, document);
  if (errors.length > 0) throw new Error(errors.join("\n"));
  return document;
}

function remembered(make) {
  const made = new Map();
  return (text) => {
    let value = made.get(text);
    if (value === undefined) {
      value = make(text);
      made.set(text, value);
    }
    return value;
  };
}

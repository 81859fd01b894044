// An answer with the type and the real name of everything in it, so that aliases and fragments do not matter.
//
// Types come from __typename, then from the schema, then from the fragment whose fields are there; what has none
// of them keeps the type null, and its shape must do.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getOperationAST,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isLeafType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";

import type { Last } from "../last";

export type Value = Thing | Value[] | string | number | boolean | null;
export type Thing = { type: string | null; fields: [name: string, value: Value][] };

type Place = { sets: SelectionSetNode[]; type: GraphQLNamedType | undefined };
type Fragments = Map<string, FragmentDefinitionNode>;

/** The answer of an operation; null if there is no data. */
export function thingsOf(last: Last, schema: GraphQLSchema | null | undefined): Value {
  const operation = getOperationAST(last.document, last.operationName);
  const fragments: Fragments = new Map();
  for (const definition of last.document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const type = operation ? schema?.getRootType(operation.operation) : undefined;
  const reader = new Reader(schema ?? undefined, fragments);
  return reader.value(last.data, {
    sets: operation ? [operation.selectionSet] : [],
    type: type ?? undefined,
  });
}

export function isThing(value: Value | undefined): value is Thing {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first field of a name; undefined if it was not selected. */
export function get(thing: Thing, name: string): Value | undefined {
  return thing.fields.find(([field]) => field === name)?.[1];
}

/** A field's text; null if there is none. */
export function text(thing: Thing, name: string): string | null {
  const value = get(thing, name);
  return typeof value === "string" ? value : null;
}

class Reader {
  constructor(
    private readonly schema: GraphQLSchema | undefined,
    private readonly fragments: Fragments,
  ) {}

  value(value: unknown, place: Place): Value {
    if (Array.isArray(value)) return value.map((item) => this.value(item, place));
    if (typeof value === "object" && value !== null) {
      return this.thing(value as Record<string, unknown>, place);
    }
    return (value ?? null) as Value;
  }

  private thing(object: Record<string, unknown>, { sets, type }: Place): Thing {
    const name = this.typeName(object, { sets, type });
    const selected = this.selected(sets, name);
    const concrete = (name && this.schema?.getType(name)) || type;
    const known = isObjectType(concrete) ? concrete.getFields() : {};
    const fields = Object.entries(object).map(([key, value]): [string, Value] => {
      const nodes = selected.get(key) ?? [];
      const field = nodes[0]?.name.value ?? key;
      const of = known[field] && getNamedType(known[field].type);
      if (of && isLeafType(of)) return [field, leaf(value)];
      const inner = nodes.flatMap((node) => node.selectionSet ?? []);
      return [field, this.value(value, { sets: inner, type: of })];
    });
    return { type: name, fields };
  }

  private typeName(object: Record<string, unknown>, { sets, type }: Place): string | null {
    if (typeof object.__typename === "string") return object.__typename;
    if (isObjectType(type)) return type.name;
    for (const [condition, set] of this.conditions(sets)) {
      const keys = set.selections.flatMap((node) => (node.kind === Kind.FIELD ? keyOf(node) : []));
      if (keys.length && keys.every((key) => key in object) && !this.isAbstract(condition)) {
        return condition;
      }
    }
    return null;
  }

  /** The fields that a type's objects have, by the key in the answer. */
  private selected(sets: SelectionSetNode[], type: string | null): Map<string, FieldNode[]> {
    const found = new Map<string, FieldNode[]>();
    for (const { selections } of sets) {
      for (const node of selections) {
        if (node.kind === Kind.FIELD) found.set(keyOf(node), [...(found.get(keyOf(node)) ?? []), node]);
      }
    }
    for (const [condition, set] of this.conditions(sets)) {
      if (type !== null && condition !== type && !this.isAbstract(condition)) continue;
      for (const [key, nodes] of this.selected([set], type)) {
        found.set(key, [...(found.get(key) ?? []), ...nodes]);
      }
    }
    return found;
  }

  /** The fragments in selections, each with the type that it is for. */
  private conditions(sets: SelectionSetNode[]): [type: string, set: SelectionSetNode][] {
    return sets.flatMap(({ selections }) =>
      selections.flatMap((node): [string, SelectionSetNode][] => {
        if (node.kind === Kind.FIELD) return [];
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? this.fragments.get(node.name.value) : node;
        return fragment ? [[fragment.typeCondition?.name.value ?? "", fragment.selectionSet]] : [];
      }),
    );
  }

  private isAbstract(type: string): boolean {
    return type === "" || isAbstractType(this.schema?.getType(type));
  }
}

function keyOf(node: FieldNode): string {
  return node.alias?.value ?? node.name.value;
}

/** A leaf's value; JSON objects are no things of the memory. */
function leaf(value: unknown): Value {
  if (Array.isArray(value)) return value.map(leaf);
  return typeof value === "object" ? null : (value as Value);
}

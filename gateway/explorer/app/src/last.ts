// The last operation that the page ran, and its answer: what the panels show.
import type { DocumentNode } from "graphql";
import { useSyncExternalStore } from "react";

import type { Trace } from "./waterfall/trace";

export type Variables = Record<string, unknown>;

export type Last = {
  /** How many answers there were before it; tells two answers apart. */
  number: number;
  query: string;
  /** The query, parsed; without definitions if it cannot be. */
  document: DocumentNode;
  operationName: string | null;
  variables: Variables;
  data: unknown;
  trace: Trace | null;
};

let last: Last | null = null;
let previous: Last | null = null;
const listeners = new Set<() => void>();

/** Remember an answer; the panels follow. */
export function remember(answered: Omit<Last, "number">): void {
  if (!isSameOperation(answered, last)) previous = null;
  else if (!isSameVariables(answered, last)) previous = last;
  last = { ...answered, number: (last?.number ?? -1) + 1 };
  for (const listener of listeners) listener();
}

/** The last operation; null before the first. */
export function useLast(): Last | null {
  return useSyncExternalStore(subscribe, () => last);
}

/** The same operation with other variables, if it ran before the last; else null. */
export function usePrevious(): Last | null {
  return useSyncExternalStore(subscribe, () => previous);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

type Operation = Omit<Last, "number">;

function isSameOperation(one: Operation, other: Operation | null): other is Operation {
  return one.query === other?.query && one.operationName === other.operationName;
}

function isSameVariables(one: Operation, other: Operation): boolean {
  return JSON.stringify(one.variables) === JSON.stringify(other.variables);
}

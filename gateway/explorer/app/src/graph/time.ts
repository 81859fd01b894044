// The time of an operation: which variable holds it, and over which span it can move.
import { getOperationAST, Kind, type OperationDefinitionNode, type TypeNode, visit } from "graphql";

import type { Last } from "../last";
import { isThing, type Value } from "./things";

export type Span = { min: number; max: number; step: number };
/** An end of the span that somebody has chosen. */
export type Given = { min?: number; max?: number };

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Of a shorter span a day is too long a step. */
const DAYS_FOR_DAYS = 60;
const NAMES = ["validat", "at", "moment", "time", "date"];

/** The variable that says when things must hold; null if there is none. */
export function timeVariable({ document, operationName }: Last): string | null {
  const operation = getOperationAST(document, operationName);
  const names = operation ? dates(operation) : [];
  if (names.length === 0) return null;
  const used = new Set<string>();
  visit(document, {
    Argument({ name, value }) {
      if (name.value === "validAt" && value.kind === Kind.VARIABLE) used.add(value.name.value);
    },
  });
  const byName = NAMES.flatMap((known) => names.filter((name) => name.toLowerCase() === known));
  return names.find((name) => used.has(name)) ?? byName[0] ?? null;
}

/** Whether the operation has a validAt that is written out. */
export function isFixed({ document }: Last): boolean {
  let found = false;
  visit(document, {
    Argument({ name, value }) {
      found ||= name.value === "validAt" && value.kind === Kind.STRING;
    },
  });
  return found;
}

/** What the variable held: its value, its default, or now, as is told. */
export function momentOf(last: Last, name: string): number {
  const given = Date.parse(String(last.variables[name] ?? defaultOf(last, name) ?? ""));
  return Number.isNaN(given) ? Date.now() : given;
}

/** Every validFrom and validTo in an answer, in milliseconds. */
export function timesIn(value: Value): number[] {
  if (Array.isArray(value)) return value.flatMap(timesIn);
  if (!isThing(value)) return [];
  return value.fields.flatMap(([name, inner]) => {
    if (name !== "validFrom" && name !== "validTo") return timesIn(inner);
    const time = typeof inner === "string" ? Date.parse(inner) : Number.NaN;
    return Number.isNaN(time) ? [] : [time];
  });
}

/** The span over some times, a step before the first and after the last of them, unless its ends are given. */
export function spanOf(times: number[], { min, max }: Given): Span {
  const [first, last] = [min ?? Math.min(...times), max ?? Math.max(...times)];
  const step = last - first > DAYS_FOR_DAYS * DAY ? DAY : MINUTE;
  // Whole steps: else the last time could not be reached.
  return { min: (Math.floor(first / step) - 1) * step, max: (Math.ceil(last / step) + 1) * step, step };
}

/** A time as the gateway takes it. */
export function instant(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

function dates({ variableDefinitions = [] }: OperationDefinitionNode): string[] {
  return variableDefinitions
    .filter(({ type }) => named(type) === "DateTime")
    .map(({ variable }) => variable.name.value);
}

function named(type: TypeNode): string | null {
  if (type.kind === Kind.NON_NULL_TYPE) return named(type.type);
  return type.kind === Kind.NAMED_TYPE ? type.name.value : null;
}

function defaultOf({ document, operationName }: Last, name: string): string | null {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions;
  const found = definitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;
  return found?.kind === Kind.STRING ? found.value : null;
}

// What the gateway says about one operation's calls of stores: `extensions.trace` of an answer.

export type Call = {
  store: string;
  role: string;
  method: string;
  /** How many keys or items were asked for. */
  size: number;
  /** How many of them a cache had; null in other roles. */
  hits: number | null;
  /** The wave of calls that it is of, from 1. */
  level: number;
  /** Milliseconds since the request began. */
  start: number;
  ms: number;
  /** An error code; null if it went well. */
  error: string | null;
};

export type Trace = {
  ms: number;
  stages: Record<string, number>;
  calls: Call[];
};

export type StoreTotal = { store: string; calls: number; ms: number };

/** The calls of each wave, in the order in which they began. */
export function byLevel(calls: Call[]): [level: number, calls: Call[]][] {
  const levels = new Map<number, Call[]>();
  for (const call of [...calls].sort((a, b) => a.level - b.level || a.start - b.start)) {
    levels.set(call.level, [...(levels.get(call.level) ?? []), call]);
  }
  return [...levels];
}

/** What each store took, the most first. */
export function byStore(calls: Call[]): StoreTotal[] {
  const totals = new Map<string, StoreTotal>();
  for (const { store, ms } of calls) {
    const total = totals.get(store) ?? { store, calls: 0, ms: 0 };
    totals.set(store, { store, calls: total.calls + 1, ms: total.ms + ms });
  }
  return [...totals.values()].sort((a, b) => b.ms - a.ms);
}

/** When the last call or the request itself ended: the length of the time axis. */
export function span({ ms, calls }: Trace): number {
  return Math.max(ms, ...calls.map((call) => call.start + call.ms), 0.001);
}

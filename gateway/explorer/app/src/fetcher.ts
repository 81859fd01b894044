// How the page asks: operations by POST, subscriptions over a WebSocket at the same address.
import type { Fetcher, FetcherParams, Observable } from "@graphiql/toolkit";
import { type DocumentNode, type ExecutionResult, getOperationAST, Kind, parse } from "graphql";
import { createClient } from "graphql-ws";

import { remember, type Variables } from "./last";
import type { Trace } from "./waterfall/trace";

type Sink = {
  next(answer: ExecutionResult): void;
  error(reason: unknown): void;
  complete(): void;
};

const INTROSPECTION = "IntrospectionQuery";
const address = new URL(location.pathname, location.origin);
const socket = createClient({ url: address.href.replace(/^http/, "ws"), lazy: true });

/** The fetcher: its answers come as an observable, so that the stop button ends a request. */
export const fetcher: Fetcher = (asked, options) => {
  function subscribe(sink: Sink) {
    const seen: Sink = {
      next: (answer) => sink.next(kept(asked, answer)),
      error: (reason) => sink.error(reason),
      complete: () => sink.complete(),
    };
    const end = isSubscription(asked) ? follow(asked, seen) : post(asked, options?.headers, seen);
    return { unsubscribe: end };
  }
  // GraphiQL subscribes with an object only; its type has the older ways too.
  return { subscribe } as Observable<ExecutionResult>;
};

function follow(asked: FetcherParams, sink: Sink): () => void {
  return socket.subscribe(
    { query: asked.query, operationName: asked.operationName, variables: variablesOf(asked) },
    {
      next: (answer) => sink.next(answer as ExecutionResult),
      error: (reason) => sink.error(reason instanceof CloseEvent ? closed(reason) : reason),
      complete: () => sink.complete(),
    },
  );
}

function post(asked: FetcherParams, headers: Record<string, string> = {}, sink: Sink): () => void {
  const control = new AbortController();
  fetch(address, {
    method: "POST",
    signal: control.signal,
    headers: {
      accept: "application/graphql-response+json, application/json",
      "content-type": "application/json",
      "x-memory-gateway-trace": "1",
      ...headers,
    },
    body: JSON.stringify(asked),
  })
    .then(answerOf)
    .then((answer) => {
      sink.next(answer);
      sink.complete();
    })
    .catch((reason: unknown) => {
      if (!control.signal.aborted) sink.error(reason);
    });
  return () => control.abort();
}

async function answerOf(response: Response): Promise<ExecutionResult> {
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    throw new Error(`The answer is no JSON (${response.status}): ${text.slice(0, 200)}`);
  }
}

/** The answer without its trace, which the waterfall shows; both are remembered. */
function kept(asked: FetcherParams, answer: ExecutionResult): ExecutionResult {
  const { trace = null, ...extensions } = { ...answer.extensions };
  if (asked.operationName !== INTROSPECTION) {
    remember({
      query: asked.query,
      document: documentOf(asked),
      operationName: asked.operationName ?? null,
      variables: variablesOf(asked),
      data: answer.data,
      trace: trace as Trace | null,
    });
  }
  const shown = { ...answer, extensions };
  if (Object.keys(extensions).length === 0) delete (shown as ExecutionResult).extensions;
  return shown;
}

function variablesOf(asked: FetcherParams): Variables {
  return (asked.variables as Variables | undefined) ?? {};
}

function documentOf({ query }: FetcherParams): DocumentNode {
  try {
    return parse(query);
  } catch {
    return { kind: Kind.DOCUMENT, definitions: [] }; // the gateway says what is wrong with it
  }
}

function isSubscription(asked: FetcherParams): boolean {
  const operation = getOperationAST(documentOf(asked), asked.operationName);
  return operation?.operation === "subscription";
}

function closed({ code, reason }: CloseEvent): Error {
  return new Error(`The connection was closed: ${reason || "no reason given"} (${code})`);
}

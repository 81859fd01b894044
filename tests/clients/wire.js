// What a client does on the wire, seen from beside it: nothing of it is changed.

const SECONDS = 5;

export function watch() {
  const requests = [];
  const frames = { sent: [], received: [] };
  const closed = [];

  async function watched(resource, options) {
    const response = await fetch(resource, options);
    requests.push({
      ...asked(resource, options),
      status: response.status,
      type: response.headers.get('content-type').split(';')[0],
    });
    return response;
  }

  class Socket extends WebSocket {
    constructor(...options) {
      super(...options);
      this.addEventListener('message', ({ data }) => frames.received.push(JSON.parse(data).type));
      this.addEventListener('close', ({ code, wasClean }) => closed.push({ code, wasClean }));
    }

    send(data) {
      frames.sent.push(JSON.parse(data).type);
      super.send(data);
    }
  }

  return { requests, frames, closed, fetch: watched, Socket };
}

function asked(resource, { method = 'GET', headers, body }) {
  const parameters = Object.fromEntries(new URL(resource).searchParams);
  const { query, extensions } = body ? JSON.parse(body) : parameters;
  const { persistedQuery } = body ? (extensions ?? {}) : JSON.parse(extensions ?? '{}');
  return {
    method,
    accept: headers.accept,
    hasQuery: query !== undefined,
    hash: persistedQuery?.sha256Hash ?? null,
  };
}

export const socketUrl = (url) => url.replace(/^http/, 'ws');

// What is to come at once: sooner than the heartbeat that would push along what got stuck.
export function soon(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came in ${SECONDS} seconds`)), SECONDS * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The first value of what is subscribed to, which is then ended: else the script would not end.
export async function first(subscribe) {
  let subscription;
  const value = new Promise((resolve, reject) => {
    subscription = subscribe({ next: resolve, error: reject });
  });
  try {
    return await soon(value);
  } finally {
    subscription.unsubscribe();
  }
}

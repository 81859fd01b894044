// What the clients warn of in development; imported before them, for they look once, at the beginning.
import { format } from 'node:util';

globalThis.__DEV__ = true; // for Apollo Client; urql goes by NODE_ENV

export const warnings = [];
for (const level of ['warn', 'error']) {
  console[level] = (...words) => warnings.push(format(...words));
}

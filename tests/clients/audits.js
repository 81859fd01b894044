// The audits of graphql-http, asked of the server at the URL that is given: a line of JSON for each.
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
for (const audit of serverAudits({ url })) {
  const { id, name } = audit;
  const result = await audit.fn();
  const reason = result.status === 'ok' ? null : result.reason;
  console.log(JSON.stringify({ id, name, status: result.status, reason }));
}

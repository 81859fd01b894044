// The waterfall beside two answers, a nested one and a small one.
import { eventually, open, run, show, tell, write } from './browser.js';

const [url] = process.argv.slice(2);
const { page, end } = await open(url);
const { headers, answer } = await run(page);
tell('header', headers['x-memory-gateway-trace'] ?? null);
const section = await show(page, 'Waterfall');
tell('nested', await drawn(answer));
await write(page, 'query Small { entity(key: "mission/apollo-13") { name } }');
tell('small', await drawn((await run(page)).answer));
await end();

async function drawn({ extensions }) {
  const trace = extensions?.trace ?? null;
  const calls = section.locator('li[data-call]');
  await eventually(page, async () => (await calls.count()) === (trace?.calls.length ?? 0));
  return {
    trace,
    calls: await calls.allInnerTexts(),
    totals: await section.locator('[data-totals]').allInnerTexts(),
    text: await section.innerText(),
  };
}

// The graph of a query's answer, then its first node opened by a click or by the Enter key.
import { answered, activeTab, eventually, open, run, show, tabs, tell, write, written } from './browser.js';

const [url, query, way] = process.argv.slice(2);
const { page, end } = await open(url);
await write(page, query);
const { answer } = await run(page);
const section = await show(page, 'Graph');
const nodes = section.locator('g[data-node][role=button]');
const first = nodes.first();
await first.waitFor();
tell('answer', answer);
tell('names', await nodes.evaluateAll((elements) => elements.map((element) => element.ariaLabel)));
tell('texts', await nodes.locator('text').allTextContents());
tell('edges', await section.locator('[data-edge]').count());

const before = await tabs(page).count();
const opened = await answered(page, async () => {
  if (way === 'click') return first.locator('circle').click();
  await first.focus();
  return page.keyboard.press('Enter');
});
const beginning = opened.asked.query.split('\n')[0];
await eventually(page, async () => (await written(page)).startsWith(beginning));
tell('opened', {
  ...opened,
  more: (await tabs(page).count()) - before,
  tab: await activeTab(page).textContent(),
  written: await written(page),
});
await end();

// Pictures of the page for the documentation.
import { named, open, run, show, tabs, tell } from './browser.js';

const WARM = 3;
const WIDER = 200;

const [url, folder] = process.argv.slice(2);
const { page, end } = await open(url);
for (let time = 0; time < WARM; time += 1) await run(page);
const section = await show(page, 'Waterfall');
await section.locator('li[data-call]').first().waitFor();
await widen();
await picture('explorer');
await tabs(page).filter({ hasText: 'Subgraph' }).click();
await named(page, 'Subgraph');
await run(page);
await show(page, 'Graph');
await picture('explorer-graph');
await end();

async function widen() {
  const bar = await page.locator('.graphiql-horizontal-drag-bar').first().boundingBox();
  const [x, y] = [bar.x + bar.width / 2, bar.y + bar.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + WIDER, y, { steps: 5 });
  await page.mouse.up();
}

async function picture(name) {
  await page.mouse.move(720, 899);
  await page.waitForTimeout(1_500); // for what moves to come to rest
  const path = `${folder}/${name}.png`;
  await page.screenshot({ path });
  tell(name, path);
}

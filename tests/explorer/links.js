// Links opened: from elsewhere, on the page itself, and by somebody who was here before.
import { activeTab, named, open, run, tabs, tell, visit, written } from './browser.js';

const [url, ...fragments] = process.argv.slice(2);
const { page, end } = await open(`${url}#${fragments[0]}`);
tell('new', await opened('Linked'));
await page.evaluate((fragment) => {
  location.hash = fragment;
}, fragments[1]);
tell('followed', await opened('Followed'));
await page.waitForFunction(() => localStorage['graphiql:tabState'].includes('"Followed"')); // it is kept after a while
await page.goto('about:blank');
await visit(page, `${url}#${fragments[2]}`);
tell('again', await opened('Again'));
await end();

async function opened(name) {
  await named(page, name);
  return {
    tabs: await tabs(page).allTextContents(),
    active: await activeTab(page).textContent(),
    written: await written(page),
    ...(await run(page)),
  };
}

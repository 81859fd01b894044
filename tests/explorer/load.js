// The page as it is loaded, and its first example run.
import { open, run, shown, squeezed, tabs, tell } from './browser.js';

const [url] = process.argv.slice(2);
const { page, response, end } = await open(url);
tell('title', await page.title());
tell('headers', await response.allHeaders());
tell('tabs', await tabs(page).allTextContents());
const ran = await run(page);
tell('run', ran);
// The answer is longer than the pane: its beginning, and its end.
const whole = squeezed(JSON.stringify({ data: ran.answer.data }));
tell('begins', await shown(page, (said) => whole.startsWith(said)));
await page.locator('.result-window .view-lines').click();
await page.keyboard.press('Control+End');
tell('ends', await shown(page, (said) => whole.endsWith(said)));
await end();

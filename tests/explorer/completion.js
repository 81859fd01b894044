// A field's name completed from its prefix.
import { answered, focus, open, tell, write, written } from './browser.js';

const [url] = process.argv.slice(2);
const { page, end } = await open(url);
await write(page, 'query Completion { stores { name } }');
await focus(page);
await page.keyboard.insertText('query Completion { stores { lat } }');
for (let step = 0; step < ' } }'.length; step += 1) await page.keyboard.press('ArrowLeft');

const rows = page.locator('.suggest-widget.visible .monaco-list-row');
await page.keyboard.press('Control+Space');
await rows.first().waitFor();
tell('suggested', (await rows.allTextContents()).map((row) => row.trim()));
await page.keyboard.press('Enter');
tell('written', await written(page));
const ran = await answered(page, () => page.keyboard.press('Control+Enter'));
tell('asked', ran.asked.query);
tell('errors', ran.answer.errors ?? null);
await end();

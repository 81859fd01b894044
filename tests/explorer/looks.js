// The page in the dark and in the light, then without a mouse.
import { answered, focus, open, runButton, tell } from './browser.js';

const STEPS = 80;

const [url] = process.argv.slice(2);
const { page, end } = await open(url);
for (const colorScheme of ['dark', 'light']) {
  await page.emulateMedia({ colorScheme });
  tell(colorScheme, await page.evaluate(() => {
    const colour = getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor;
    return colour.match(/\d+/g).slice(0, 3).map(Number);
  }));
}
const isAtRun = () => runButton(page).evaluate((button) => button === document.activeElement);
let steps = 0;
while (steps < STEPS && !(await isAtRun())) {
  await page.keyboard.press('Tab');
  steps += 1;
}
tell('is reached', await isAtRun());
const byEnter = await answered(page, () => page.keyboard.press('Enter'));
tell('by Enter', byEnter.answer.data);
await runButton(page).waitFor();
await focus(page);
const byKeys = await answered(page, () => page.keyboard.press('Control+Enter'));
tell('by Ctrl+Enter', byKeys.answer.data);
await end();

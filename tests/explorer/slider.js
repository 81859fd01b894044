// An operation at a moment, which the slider moves.
import { answered, named, open, run, show, tell } from './browser.js';

const [url, fragment, name] = process.argv.slice(2);
const { page, end } = await open(`${url}#${fragment}`);
await named(page, name);
const first = await run(page);
tell('first', first);
const section = await show(page, 'Graph');
const slider = section.locator('input[type=range][aria-label="Valid at"]');
await slider.waitFor();
tell('range', await slider.evaluate(({ min, max, value }) => ({ min, max, value })));
// What was seen on the way widens the range: the last move is to before everything.
for (const [step, side] of [['back', 'min'], ['forth', 'max'], ['before all', 'min']]) {
  const moved = await answered(page, () =>
    slider.evaluate((input, name) => {
      // As a hand would: React hears of it only by the setter of its own.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, input[name]);
      for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, { bubbles: true }));
    }, side),
  );
  await section.getByText(`to ${moved.asked.variables.at}`).waitFor();
  tell(step, {
    ...moved,
    appeared: await section.locator('[data-appeared] li').allInnerTexts(),
    ended: await section.locator('[data-ended] li').allInnerTexts(),
  });
}
await end();

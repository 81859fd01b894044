// A subscription that is run, and stopped after its first event.
import { open, runButton, shown, stopButton, tell, write } from './browser.js';

const [url] = process.argv.slice(2);
const { page, end } = await open(url);
await write(page, 'subscription Statuses { storeStatusChanged { name status } }');
await runButton(page).click();
tell('shown', JSON.parse(await shown(page, isWhole)));
await stopButton(page).click();
await runButton(page).waitFor();
await end();

function isWhole(said) {
  try {
    return 'data' in JSON.parse(said);
  } catch {
    return false; // its lines are still being put
  }
}

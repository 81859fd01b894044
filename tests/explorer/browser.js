// The explorer in a browser that reaches no other origin, and all that the page does, seen from beside it.
import { chromium } from 'playwright-core';

const PATIENCE = 15_000;
const NOBODY = 'MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';
const EDITORS = ['.graphiql-query-editor', '.result-window'];
const INTROSPECTION = 'IntrospectionQuery';

export const tell = (name, value) => console.log(JSON.stringify([name, value]));

// The page once it knows the schema; `address` may have a fragment.
export async function open(address) {
  const browser = await chromium.launch({
    executablePath: process.env.MEMORY_GATEWAY_TEST_CHROMIUM,
    args: ['--no-sandbox', `--host-resolver-rules=${NOBODY}`],
  });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const seen = await watch(page, new URL(address));
  const response = await visit(page, address).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
  });
  return {
    page,
    response,
    seen,
    async end() {
      const violations = await page.evaluate(() => window.violations);
      tell('seen', { ...seen, violations });
      await browser.close();
    },
  };
}

export async function visit(page, address) {
  const introspected = page.waitForResponse((response) => response.ok() && asksSchema(response));
  const [response] = await Promise.all([page.goto(address), introspected]);
  // The button is there before them, and does nothing then.
  for (const editor of EDITORS) await page.locator(`${editor} .view-line`).first().waitFor();
  return response;
}

// Requests to other origins, which fail, and what a console would complain of.
async function watch(page, { host }) {
  const seen = { here: 0, elsewhere: [], complaints: [], frames: [] };
  await page.context().route(
    (url) => url.protocol.startsWith('http') && url.host !== host,
    (route) => route.abort(),
  );
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.host === host) seen.here += 1;
    else if (url.protocol !== 'data:' && url.protocol !== 'blob:') seen.elsewhere.push(url.href);
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== host) seen.elsewhere.push(socket.url());
    socket.on('framesent', ({ payload }) => seen.frames.push(JSON.parse(payload).type));
  });
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) seen.complaints.push(message.text());
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      window.violations.push(`${violatedDirective}: ${blockedURI}`);
    });
  });
  return seen;
}

export const runButton = (page) => page.getByRole('button', { name: 'Execute query' });
export const stopButton = (page) => page.getByRole('button', { name: 'Stop query' });
export const tabs = (page) => page.locator('[role=tablist] [role=tab]');
export const activeTab = (page) => page.locator('[role=tab][aria-selected=true]');

export async function show(page, plugin) {
  await page.getByRole('button', { name: `Show ${plugin}`, exact: true }).click();
  const section = page.locator(`section[aria-label="${plugin}"]`);
  await section.waitFor();
  return section;
}

// A tab with a query, which must have a name: the tab is titled by it once the page has read the query.
export async function write(page, query) {
  await page.getByRole('button', { name: 'New tab' }).click();
  await focus(page);
  await page.keyboard.insertText(inOneLine(query)); // the editor indents every further line
  await named(page, /(?:query|subscription) (\w+)/.exec(query)[1]);
}

const inOneLine = (query) => query.replace(/#.*/g, '').replace(/\s+/g, ' ').trim();

export async function focus(page) {
  await page.locator('.graphiql-query-editor .monaco-editor .view-lines').click();
  await page.keyboard.press('ControlOrMeta+A');
}

export const named = (page, name) =>
  activeTab(page).filter({ hasText: name }).waitFor();

// What `act` has the gateway asked, and its answer.
export async function answered(page, act) {
  const coming = page.waitForResponse(
    (response) => response.request().method() === 'POST' && !asksSchema(response),
    { timeout: 2 * PATIENCE }, // so that what keeps it from acting is told first
  );
  const [response] = await Promise.all([coming, act()]);
  const request = response.request();
  return { asked: request.postDataJSON(), headers: request.headers(), answer: await response.json() };
}

export const run = (page) => answered(page, () => runButton(page).click());

// The text in an editor as far as it is in view.
export async function text(page, section) {
  const lines = await page.locator(`${section} .view-line`).evaluateAll((elements) =>
    elements
      .map((element) => [element.getBoundingClientRect().top, element.textContent])
      .sort(([one], [other]) => one - other)
      .map(([, line]) => line),
  );
  return lines.join('\n').replaceAll('\u00a0', ' ');
}

export const written = (page) => text(page, '.graphiql-query-editor');

// What the answer pane shows, squeezed, once it is wanted: all of it, or the part in view.
export async function shown(page, isWanted) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const said = squeezed(await text(page, '.result-window'));
    if (said && isWanted(said)) return said;
    if (Date.now() > deadline) throw new Error(`the answer pane ends with ${said.slice(-500)}`);
    await page.waitForTimeout(100);
  }
}

// Without white space: the pane breaks lines where it likes, in strings too.
export const squeezed = (text) => text.replace(/\s/g, '');

// Waits for what should come to be; whether it has is for the test to say.
export async function eventually(page, isSo) {
  const deadline = Date.now() + PATIENCE / 3;
  while (!(await isSo()) && Date.now() < deadline) await page.waitForTimeout(50);
}

const asksSchema = (response) => response.request().postData()?.includes(INTROSPECTION) ?? false;

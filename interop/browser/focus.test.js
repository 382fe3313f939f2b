// Where the focus goes, and what is copied.
import assert from 'node:assert/strict';
import {address, rows, story, until} from './people.js';

/** Says that an element has the focus, and is seen. */
const focused = (page, selector) => until(`${selector} has the focus`, () =>
  page.evaluate(wanted => document.activeElement.matches(wanted) && document.activeElement.checkVisibility(), selector));

story('a question that is closed leaves the focus where it was', async person => {
  const page = await person('admin');
  await page.goto('/users?q=garc');
  const dialog = page.locator('dialog[open]');
  const gear = '#users tr[data-id="ana"] td.act button';
  for (const close of [() => page.keyboard.press('Escape'), () => dialog.locator('[data-keep]').click()]) {
    await page.locator(gear).first().click();
    await page.locator('#users .pop:popover-open a.grave').click(); // in a menu that closes
    await dialog.waitFor();
    await focused(page, 'dialog [data-keep]');
    await close();
    await dialog.waitFor({state: 'detached'});
    await focused(page, gear);
  }
  await page.locator('#users .pick').first().check();
  await page.locator('.bulk button.grave').click();
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({state: 'detached'});
  await focused(page, '.bulk button.grave');
});

story('a list that is exchanged leaves the focus in the filter', async person => {
  const page = await person('support');
  await page.goto('/users');
  await page.locator('#q').focus();
  await page.keyboard.type('garc');
  await page.locator('#users tr[data-id="ana"]').waitFor();
  await until('the list is filtered', async () => (await rows(page, 'users')).length === 1);
  await focused(page, '#q');
  await page.locator('#q').fill('nobody at all');
  await until('the list is empty', async () => (await rows(page, 'users')).length === 0);
  await focused(page, '#q');
});

story('a key is copied by its button, and marked where there is no clipboard', async person => {
  const page = await person('admin', {permissions: ['clipboard-read', 'clipboard-write']});
  const make = async name => {
    await page.goto('/keys');
    await page.locator('#f-name').fill(name);
    await page.locator('#f-role').selectOption('viewer');
    await page.locator('form[action="/keys"] button.main').click();
    await page.locator('#key').waitFor();
    return page.locator('#key').innerText();
  };
  const key = await make('to be copied');
  await page.locator('[data-copy]').click();
  await page.locator('[data-copy].copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  await focused(page, '[data-copy]');

  // A page that was got without TLS from another machine has no clipboard.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', {value: undefined}));
  const other = await make('to be marked');
  await page.locator('[data-copy]').click();
  assert.equal(await page.evaluate(() => getSelection().toString()), other);
});

story('an open page whose session has ended leads to where one signs in', async person => {
  const page = await person('admin'), open = await person(null);
  await page.goto('/keys');
  await page.locator('#f-name').fill('to be open');
  await page.locator('#f-role').selectOption('admin');
  await page.locator('form[action="/keys"] button.main').click();
  const key = await page.locator('#key').innerText();
  const answer = await open.context().request.post('/signin', {form: {key}, maxRedirects: 0});
  assert.equal(answer.status(), 303);
  const others = {};
  for (const path of ['/', '/history', '/health']) {
    others[path] = await open.context().newPage();
    const stream = others[path].waitForResponse(answer => new URL(answer.url()).pathname.startsWith('/live'));
    await others[path].goto(path);
    await stream;
  }
  await page.goto('/keys/revoke?name=to+be+open');
  await page.locator('main button.grave').click();
  await page.locator('#keys').waitFor();
  for (const [path, other] of Object.entries(others)) {
    await other.bringToFront(); // in the background it keeps nothing up to date
    await other.waitForURL(`${address}/signin?next=${encodeURIComponent(path)}`);
  }
});

// Keys: made, used, revoked; and what the service says of itself.
import assert from 'node:assert/strict';
import {api, figure, keys, rows, signIn, story} from './people.js';

/** Makes a key on the page of keys, and returns it. */
async function makeKey(page, name, role) {
  await page.goto('/keys');
  await page.locator('#f-name').fill(name);
  await page.locator('#f-role').selectOption(role);
  await page.locator('form[action="/keys"] button.main').click();
  await page.locator('#key').waitFor();
  return page.locator('#key').innerText();
}

story('admin: makes a key that signs somebody in, and out again when it is revoked', async person => {
  const page = await person('admin', {statuses: [422]});
  await page.goto('/keys');
  await page.locator('form[action="/keys"] button.main').click();
  await page.getByRole('alert').first().waitFor();
  const key = await makeKey(page, 'on-call', 'support');
  await page.goto('/keys');
  assert.doesNotMatch(await page.content(), new RegExp(key), 'the key is shown twice');
  assert.ok((await rows(page, 'keys')).includes('on-call'));

  const colleague = await person(null, {key, statuses: [401]});
  await colleague.goto('/users/ana');
  await colleague.locator('h1', {hasText: 'Ana García'}).waitFor();
  await colleague.goto('/'); // where the page is kept up to date
  await colleague.locator('#as-of .live').waitFor();

  await page.locator('#keys tr[data-id="on-call"] a[data-ask]').click();
  const question = page.locator('dialog[open]');
  await question.waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({state: 'detached'});
  await page.locator('#keys tr[data-id="on-call"] a[data-ask]').click();
  await question.locator('button.grave').click();
  await page.locator('#keys tr[data-id="on-call"] .st.refused').waitFor();
  assert.equal(await page.locator('#keys tr[data-id="on-call"] a[data-ask]').count(), 0);

  // What is open doesn't go on, and the next page asks to sign in.
  await colleague.waitForURL(/\/signin/);
  await colleague.goto('/users/ana');
  assert.match(colleague.url(), /\/signin\?next=/);
  await colleague.locator('#key').fill(key);
  await colleague.locator('form[action="/signin"] button').click();
  await colleague.getByRole('alert').waitFor();
  await signIn(colleague, keys.support);
});

story('auditor: sees how the service is', async person => {
  const page = await person('auditor');
  await page.goto('/health');
  assert.ok(await page.locator('main data').count() > 0);
  assert.equal(await figure(page.locator('main')) >= 0, true);
  await api('/readyz');
});

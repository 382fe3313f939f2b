// Refused events: repaired and sent again, or deleted.
import assert from 'node:assert/strict';
import {api, rows, story, until} from './people.js';

story('auditor: sees that events were refused and why, and no more', async person => {
  const page = await person('auditor');
  await page.goto('/refused');
  assert.ok((await rows(page, 'refused')).length >= 1);
  await page.locator('#refused tbody a').first().click();
  await page.waitForURL(/\/refused\/\d+$/);
  assert.equal(await page.locator('main textarea, main form').count(), 0);
});

story('admin: repairs one, is told that it still isn’t right, then sends it', async person => {
  const page = await person('admin', {statuses: [422]});
  await page.goto('/refused');
  await page.locator('#refused tbody tr', {hasText: 'subscription.started'}).locator('th a').click();
  const body = page.locator('#body');
  const text = await body.inputValue();
  assert.match(text, /"amount":\s*-5/);
  await body.fill(text.replace('-5', '-6'));
  await page.locator('form[action$="/retry"] button').click();
  await page.getByRole('alert').waitFor();
  assert.match(await body.inputValue(), /-6/, 'what was typed is gone');
  await body.fill(text.replace('-5', '500'));
  await page.locator('form[action$="/retry"] button').click();
  await page.waitForURL(url => url.pathname === '/refused');
  await until('the subscription is there', async () =>
    (await api('/v1/users/user-03')).subscriptions.some(s => s.subscription_id === 'repaired'));
  await until('it is no longer listed', async () => {
    await page.goto('/refused');
    return !(await page.locator('main').innerText()).includes('subscription.started');
  });
});

story('admin: deletes one', async person => {
  const page = await person('admin');
  await page.goto('/refused');
  const row = page.locator('#refused tbody tr', {hasText: 'rental.started'});
  const id = await row.getAttribute('data-id');
  await row.locator('th a').click();
  await page.locator('form[action$="/delete"] button').click();
  await page.waitForURL(url => url.pathname === '/refused');
  assert.ok(!(await rows(page, 'refused')).includes(id));
});

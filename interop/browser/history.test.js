// The log, live; and who did what.
import assert from 'node:assert/strict';
import {api, publish, rows, story, until} from './people.js';

story('admin: follows the log as events come', async person => {
  const page = await person('admin');
  await page.goto('/history');
  await page.locator('#as-of .live').waitFor();
  const last = Number((await rows(page, 'history'))[0]);
  await publish('user.updated', 'user-01', {country: 'IT'});
  await until('the event is at the top', async () => Number((await rows(page, 'history'))[0]) > last);
  assert.match(await page.locator('#history tbody tr').first().innerText(), /user\./);
});

story('the log goes on while somebody types into its filter', async person => {
  const page = await person('admin');
  await page.goto('/history');
  await page.locator('#as-of .live').waitFor();
  const last = Number((await rows(page, 'history'))[0]);
  const field = page.locator('#user_id');
  await field.pressSequentially('user-');
  await publish('user.updated', 'user-02', {country: 'IT'});
  await until('the event is at the top', async () => Number((await rows(page, 'history'))[0]) > last);
  await page.keyboard.type('02');
  assert.equal(await field.inputValue(), 'user-02');
  await page.keyboard.press('Enter');
  await page.waitForURL(/user_id=user-02/);
  assert.ok((await rows(page, 'history')).length > 1);
});

story('admin: opens an event, and the events of one user', async person => {
  const page = await person('admin');
  await page.goto('/history');
  await page.locator('#type').selectOption('subscription.canceled');
  await page.locator('form[action="/history"] button').click();
  await page.waitForURL(/type=subscription\.canceled/);
  const listed = await api('/v1/events?type=subscription.canceled&limit=50');
  assert.deepEqual((await rows(page, 'history')).map(Number), listed.events.map(event => event.position));
  await page.locator('#history tbody a').first().click();
  await page.waitForURL(/\/history\/\d+$/);
  assert.match(await page.locator('main').innerText(), /subscription\.canceled/);

  await page.goto('/users/ana');
  await page.locator('[popovertarget=more]').click();
  await page.locator('#more a[href="/history?user_id=ana"]').click();
  await page.locator('#history').waitFor();
  const hers = await api('/v1/events?user_id=ana&limit=50');
  assert.deepEqual((await rows(page, 'history')).map(Number), hers.events.map(event => event.position));
});

story('auditor: pages through the whole log', async person => {
  const page = await person('auditor');
  await page.goto('/history?period=&type=user.registered');
  const seen = await rows(page, 'history');
  for (let next = page.locator('a[rel=next]'); await next.count();) {
    await next.click();
    await until('the next page is there', async () => (await rows(page, 'history'))[0] !== seen.at(-50));
    seen.push(...await rows(page, 'history'));
  }
  const all = await api('/v1/events?type=user.registered&limit=1000', {role: 'auditor'});
  assert.ok(seen.length >= 73 && seen.length <= all.events.length, `${seen.length} of ${all.events.length}`);
  assert.equal(new Set(seen).size, seen.length, 'events twice');
});

story('looking at a person is in the trail', async person => {
  const support = await person('support');
  await support.goto('/users/user-07');
  const auditor = await person('auditor');
  await auditor.goto('/audit');
  assert.match(await auditor.locator('main table').first().innerText(), /support/i);
  assert.doesNotMatch(await auditor.content(), /user-07|Number07/);
});

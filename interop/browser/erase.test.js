// Erasing users: one by the gear, several that were chosen, and all of a filter.
import assert from 'node:assert/strict';
import {api, publish, rows, story, until} from './people.js';

/** Registers some people who are only for this. */
async function register(...ids) {
  for (const id of ids) await publish('user.registered', id, {first_name: 'Gone', last_name: id, email: `${id}@example.net`});
  await until('they are there', async () => (await api(`/v1/users?q=${ids.at(-1)}`)).users.length === 1);
}

story('one user: asked first, kept, then erased', async person => {
  await register('gone-1');
  const page = await person('admin', {statuses: [404]});
  await page.goto('/users?q=gone-1');
  const gear = page.locator('#users tr[data-id="gone-1"] td.act > button');
  await gear.click();
  await page.locator('#users .pop:popover-open a.grave').click();
  const question = page.locator('dialog[open]');
  await question.waitFor();
  assert.match(await question.innerText(), /Gone gone-1/);
  await page.keyboard.press('Escape');
  await question.waitFor({state: 'detached'});
  assert.equal((await api('/v1/users?q=gone-1')).users.length, 1);
  await gear.click();
  await page.locator('#users .pop:popover-open a.grave').click();
  await question.locator('button.grave').click();
  await page.locator('main .note.good').waitFor();
  assert.deepEqual((await api('/v1/users?q=gone-1')).users, []);
  const answer = await page.goto('/users/gone-1');
  assert.equal(answer.status(), 404);
  assert.doesNotMatch(await page.locator('main').innerText(), /Gone/);
});

story('several: chosen, counted, and the number typed', async person => {
  await register('gone-2', 'gone-3', 'gone-4');
  const page = await person('admin', {statuses: [422]});
  await page.goto('/users?q=gone-');
  for (const id of ['gone-2', 'gone-3']) await page.locator(`#users tr[data-id="${id}"] .pick`).check();
  assert.match(await page.locator('[data-chosen]').textContent(), /2/);
  await page.locator('.bulk button.grave').click();
  const question = page.locator('dialog[open]');
  await question.waitFor();
  await question.locator('#number').fill('3');
  await question.locator('button.grave').click();
  await page.locator('main #number[aria-invalid]').waitFor();
  assert.equal((await api('/v1/users?q=gone-3')).users.length, 1, 'they are erased though the number was wrong');
  await page.locator('main #number').fill('2');
  await page.locator('main .ask button.grave').click();
  await page.locator('main .note.good').waitFor();
  assert.deepEqual((await api('/v1/users?q=gone-')).users.map(user => user.id), ['gone-4']);
});

story('all of a filter, without JavaScript', async person => {
  await register('left-1', 'left-2');
  const page = await person('admin', {javaScriptEnabled: false});
  await page.goto('/users?q=left-');
  await page.locator('#users .pick').first().check();
  await page.locator('.bulk > a').click();
  assert.match(await page.locator('main').innerText(), /left-/);
  await page.locator('#number').fill('2');
  await page.locator('main .ask button.grave').click();
  await page.waitForURL(url => url.pathname.startsWith('/users/erase'));
  await until('it is said to be done', async () => {
    await page.reload();
    return await page.locator('main .note.good').count() > 0;
  });
  assert.deepEqual((await api('/v1/users?q=left-')).users, []);
  await page.goto('/users?q=left-');
  assert.deepEqual(await rows(page, 'users'), []);
});

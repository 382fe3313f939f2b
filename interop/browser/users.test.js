// The list of users, and one of them.
import assert from 'node:assert/strict';
import {api, back, figure, inPath, publish, rows, story, until} from './people.js';

const everybody = 'user-';

story('users are looked for as somebody types', async person => {
  const page = await person('support');
  await page.goto('/users');
  const box = page.locator('#q');
  await box.pressSequentially('garc');
  await page.waitForURL(url => url.searchParams.get('q') === 'garc');
  await until('only she is there', async () => (await rows(page, 'users')).join() === 'ana');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q', 'the field has lost focus');
  assert.equal(await box.inputValue(), 'garc');
  await box.fill('nobody is called so');
  await page.locator('#users .none').waitFor();
  await page.locator('#users .none a', {hasText: 'Clear'}).or(page.locator('#users .tokens > li > a[href="/users"]')).first().click();
  await until('all are there again', async () => (await rows(page, 'users')).length === 50);
});

story('each tab has as many users as it says', async person => {
  const page = await person('support');
  await page.goto('/users');
  const tabs = page.locator('.tabs a');
  for (let i = 0; i < await tabs.count(); i++) {
    await tabs.nth(i).click();
    await page.locator('.tabs a').nth(i).and(page.locator('[aria-current]')).waitFor();
    const said = await figure(tabs.nth(i));
    const status = new URL(page.url()).searchParams.get('status') ?? '';
    const got = await api(`/v1/users?limit=1000${status && `&status=${status}`}`);
    assert.ok(Math.abs(got.users.length - said) <= 5, `${status}: ${got.users.length} of ${said}`);
    assert.equal((await rows(page, 'users')).length, Math.min(50, said));
  }
});

story('users are filtered by a period, sorted and paged', async person => {
  const page = await person('support');
  await page.goto('/users');
  await page.locator('#period').selectOption({index: 3});
  await page.waitForURL(/registered_from=/);
  const filter = new URL(page.url()).searchParams;
  const wanted = await api(`/v1/users?limit=1000&${filter}`);
  const found = await rows(page, 'users');
  assert.deepEqual(found, wanted.users.slice(0, 50).map(user => user.id));

  await page.goto(`/users?q=${everybody}`);
  await page.locator('#users th[aria-sort] a').click();
  await page.waitForURL(/sort=registered_at/);
  assert.equal(await page.locator('#users th[aria-sort]').getAttribute('aria-sort'), 'ascending');
  const sorted = await api(`/v1/users?limit=1000&q=${everybody}&sort=registered_at`);
  const first = await rows(page, 'users');
  await page.locator('a[rel=next]').click();
  await page.waitForURL(/cursor=/);
  const all = first.concat(await rows(page, 'users'));
  assert.deepEqual(all, sorted.users.map(user => user.id));
  await back(page);
  await until('the first page is there again', async () => (await rows(page, 'users'))[0] === first[0]);
});

story('entering days is choosing from–to, both included', async person => {
  const page = await person('support');
  await page.goto('/users');
  const day = days => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  await page.locator('#from').fill(day(20));
  await page.locator('#from').blur();
  await page.waitForURL(/registered_from=/);
  assert.equal(await page.locator('#period').inputValue(), 'days');
  await page.locator('#to').fill(day(10));
  await page.locator('#to').blur();
  await page.waitForURL(url => url.searchParams.get('registered_to') === day(9));
  assert.equal(await page.locator('#period').inputValue(), 'days');
  assert.equal(await page.locator('#from').inputValue(), day(20));
  const filter = new URL(page.url()).searchParams;
  const wanted = await api(`/v1/users?limit=1000&${filter}`);
  await until('the list is the API’s', async () => (await rows(page, 'users')).join() === wanted.users.map(user => user.id).join());
  assert.ok(wanted.users.length > 0);
});

story('columns are chosen, the platform’s own among them, and kept', async person => {
  const page = await person('support');
  await page.goto(`/users?q=${everybody}`);
  await page.locator('[popovertarget=cols]').click();
  await page.locator('#cols input[value="custom.favourite"]').check();
  await page.locator('#cols input[value="country"]').uncheck();
  await page.locator('#cols button').click();
  await page.waitForURL(/columns=/);
  const heads = () => page.locator('#users thead th').allInnerTexts();
  assert.ok((await heads()).some(head => head.includes('favourite')));
  assert.match(await page.locator('#users tbody tr').first().innerText(), /drama|comedy/);
  await page.goto('/users');
  assert.ok((await heads()).some(head => head.includes('favourite')), 'it isn’t kept');
});

story('everything of a user stands on their page', async person => {
  const page = await person('support');
  await page.goto('/users?q=garc');
  await page.locator('#users tr[data-id=ana] th a').click();
  await page.locator('h1', {hasText: 'Ana García'}).waitFor();
  assert.equal(new URL(page.url()).pathname, '/users/ana');
  const user = await api('/v1/users/ana');
  assert.deepEqual((await rows(page, 'subscriptions')).sort(), user.subscriptions.map(s => s.subscription_id).sort());
  assert.deepEqual((await rows(page, 'rentals')).sort(), user.rentals.map(r => r.rental_id).sort());
  assert.deepEqual(await rows(page, 'free-copies'), user.free_copies.map(f => f.free_copy_id));
  assert.deepEqual((await rows(page, 'sessions')).sort(), ['s-a1', 's-a2', 's-a3']);
  await page.locator('#viewing .seg a').nth(1).click();
  await page.locator('#contents').waitFor();
  assert.deepEqual((await rows(page, 'contents')).sort(), ['blue-hours', 'the-quiet-river']);
});

story('HTML that users put into their fields is text everywhere', async person => {
  const id = `<b>"'&/ ?`;
  const page = await person('admin');
  for (const path of ['/users?q=x@example', `/users/${inPath(id)}`, `/users/${inPath(id)}/edit`, '/contents', `/contents/${inPath('c<1>/ ?')}`, '/history', '/refused', `/history?user_id=${inPath(id)}`]) {
    await page.goto(path);
    assert.equal(await page.locator('main script, main img, main b i, main td b').count(), 0, path);
  }
  await page.goto('/users?q=x@example');
  await page.locator('#users tbody th a').click();
  await page.waitForURL(url => url.pathname.startsWith('/users/'));
  assert.match(await page.locator('h1').innerText(), /<script>alert\(1\)/);
});

story('admin: makes a user, mends what was wrong, and edits them', async person => {
  const page = await person('admin', {statuses: [422]});
  await page.goto('/users');
  await page.locator('a[href="/users/new"]').click();
  await page.locator('#f-email').fill('nora@example.org');
  await page.locator('#f-first_name').fill('Nora');
  await page.locator('#f-id').fill('ana');
  await page.locator('main form .btn.main').click();
  await page.getByRole('alert').first().waitFor();
  assert.equal(await page.locator('#f-id').getAttribute('aria-invalid'), 'true', 'the id is somebody else’s');
  assert.equal(await page.locator('#f-first_name').inputValue(), 'Nora', 'what was typed is gone');
  await page.locator('#f-id').fill('nora');
  await page.locator('main form .btn.main').click();
  await page.waitForURL(url => url.pathname === '/users/nora');
  await page.locator('h1', {hasText: 'Nora'}).waitFor();
  assert.equal((await api('/v1/users/nora')).email, 'nora@example.org');
  await page.locator('main a[href="/users/nora/edit"]').click();
  await page.locator('#f-last_name').fill('Lindqvist');
  await page.locator('main form .btn.main').click();
  await page.locator('h1', {hasText: 'Nora Lindqvist'}).waitFor();
  assert.equal((await api('/v1/users/nora')).last_name, 'Lindqvist');
  // It is in the trail, with who did it, and whom it was about as a pseudonym.
  await page.goto('/audit');
  const trail = await page.locator('main table').first().innerText();
  assert.match(trail, /admin\s+edit-user\s+1/);
  assert.match(trail, /admin\s+create-user\s+1/);
  assert.doesNotMatch(trail, /nora/);
});

story('two who edit different fields both get theirs', async person => {
  await publish('user.registered', 'both', {first_name: 'One'});
  await until('the user is there', async () => (await api('/v1/users?q=both')).users.length > 0);
  const [one, two] = [await person('admin'), await person('admin')];
  for (const page of [one, two]) await page.goto('/users/both/edit');
  await one.locator('#f-first_name').fill('First');
  await two.locator('#f-last_name').fill('Last');
  for (const page of [one, two]) {
    await page.locator('main form .btn.main').click();
    await page.waitForURL(url => url.pathname === '/users/both');
  }
  await two.locator('h1', {hasText: 'First Last'}).waitFor();
});

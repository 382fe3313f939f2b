// Other ways to use the pages: the keyboard alone, without JavaScript, in French,
// on a narrow screen.
import assert from 'node:assert/strict';
import {address, api, figure, keys, publish, rows, signOut, story, until} from './people.js';

/** Goes on with Tab until an element has the focus, which must be seen. */
async function tabTo(page, selector) {
  for (let i = 0; i < 150; i++) {
    await page.keyboard.press('Tab');
    const there = await page.evaluate(wanted => {
      const focused = document.activeElement, style = getComputedStyle(focused);
      // The button in a field for a date has the browser's own ring, and after the last
      // stop of a page or a dialog comes the browser itself.
      const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none' || focused.type === 'date' || focused === document.body;
      return {is: focused.matches(wanted), seen, what: focused.outerHTML.slice(0, 120)};
    }, selector);
    assert.ok(there.seen, `the focus isn’t visible on ${there.what}`);
    if (there.is) return;
  }
  assert.fail(`Tab doesn’t lead to ${selector}`);
}

story('keyboard: signs in, jumps to the content, and edits a user by the gear', async person => {
  const page = await person();
  await page.goto('/signin?next=%2Fusers%3Fq%3Duser-2');
  await page.keyboard.type(keys.admin); // the field has the focus
  await page.keyboard.press('Enter');
  await page.locator('#users').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await tabTo(page, '#users td.act button');
  const menu = page.locator(`#${await page.evaluate(() => document.activeElement.getAttribute('popovertarget'))}`);
  await page.keyboard.press('Enter');
  await menu.waitFor();
  await page.keyboard.press('Escape');
  await menu.waitFor({state: 'hidden'});
  assert.ok(await page.evaluate(() => document.activeElement.matches('#users td.act button')), 'the focus is lost');
  await page.keyboard.press('Enter');
  await tabTo(page, '#users .pop a[href$="/edit"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/edit$/);
  await tabTo(page, '#f-last_name');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('Keyes');
  await page.keyboard.press('Enter');
  await page.locator('h1', {hasText: 'Keyes'}).waitFor();
  await tabTo(page, '[popovertarget=who]');
  await page.keyboard.press('Enter');
  await tabTo(page, 'form[action="/signout"] button');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/signin*');
});

story('keyboard: filters, sorts and pages', async person => {
  const page = await person('support');
  await page.goto('/users');
  await tabTo(page, '.tabs a:nth-of-type(1)');
  await page.keyboard.press('Enter');
  await page.waitForURL(/status=registered/);
  await tabTo(page, '#period');
  await page.keyboard.press('End'); // the last but one is this year
  await page.keyboard.press('ArrowUp');
  await page.waitForURL(/registered_from=/);
  await until('the list is filtered', async () => await page.locator('#get a[href*=registered_from]').count() > 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'period', 'the focus is lost');
  await page.goto('/users?q=user-');
  await tabTo(page, '#users th[aria-sort] a');
  await page.keyboard.press('Enter');
  await page.waitForURL(/sort=registered_at/);
  await tabTo(page, 'a[rel=next]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/cursor=/);
  assert.ok((await rows(page, 'users')).length >= 15);
});

story('keyboard: chooses users and erases them', async person => {
  for (const id of ['typed-1', 'typed-2', 'typed-3']) await publish('user.registered', id, {first_name: 'Typed'});
  await until('they are there', async () => (await api('/v1/users?q=typed-')).users.length === 3);
  const page = await person('admin');
  await page.goto('/users?q=typed-');
  for (const id of ['typed-1', 'typed-3']) {
    await tabTo(page, `#users tr[data-id="${id}"] .pick`);
    await page.keyboard.press('Space');
    await page.evaluate(() => document.querySelector('#main').focus());
  }
  await tabTo(page, '.bulk button.grave');
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.matches('dialog [data-keep]')), 'the focus isn’t on what keeps them');
  await tabTo(page, '#number');
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await page.locator('main .note.good').waitFor();
  assert.deepEqual((await api('/v1/users?q=typed-')).users.map(user => user.id), ['typed-2']);
});

story('keyboard: makes a key and revokes it', async person => {
  const page = await person('admin');
  await page.goto('/keys');
  await tabTo(page, '#f-name');
  await page.keyboard.type('typed');
  await tabTo(page, '#f-role');
  await page.keyboard.type('viewer');
  await tabTo(page, 'form[action="/keys"] button.main');
  await page.keyboard.press('Enter');
  await page.locator('#key').waitFor();
  await page.goto('/keys');
  await tabTo(page, '#keys tr[data-id=typed] a[data-ask]');
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  await tabTo(page, 'dialog button.grave');
  await page.keyboard.press('Enter');
  await page.locator('#keys tr[data-id=typed] .st.refused').waitFor();
});

story('keyboard: repairs a refused event', async person => {
  const page = await person('admin');
  await page.goto('/refused');
  const row = await page.locator('#refused tbody tr', {hasText: 'free_copy.granted'}).getAttribute('data-id');
  await tabTo(page, `#refused tr[data-id="${row}"] th a`);
  await page.keyboard.press('Enter');
  await page.waitForURL(/refused\/\d+$/);
  await tabTo(page, '#body');
  const text = await page.locator('#body').inputValue();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text.replace(/("free_copy_id":\s*)""/, '$1"typed"'));
  await tabTo(page, 'form[action$="/retry"] button');
  await page.keyboard.press('Enter');
  await page.waitForURL(url => url.pathname === '/refused');
  await until('the copy is there', async () => (await api('/v1/users/user-04')).free_copies.length === 1);
});

story('without JavaScript: every page is readable, and search, filter, sort, page and edit work', async person => {
  const page = await person('admin', {javaScriptEnabled: false});
  await page.goto('/');
  assert.ok(await figure(page.locator('#kpi-registered')) > 0);
  for (const path of await page.locator('#nav a').evaluateAll(all => all.map(a => a.getAttribute('href')))) {
    assert.equal((await page.goto(path)).status(), 200, path);
    assert.ok((await page.locator('h1').first().innerText()).length > 0, path);
  }
  await page.goto('/users');
  await page.locator('#q').fill('user-');
  await page.locator('#q').press('Enter');
  await page.waitForURL(/q=user-/);
  await page.locator('#period').selectOption({index: 1});
  await page.locator('#fields button').click();
  await page.waitForURL(/registered_from=/);
  const filter = new URL(page.url()).searchParams;
  assert.equal(filter.get('q'), 'user-', 'the search is lost');
  const wanted = await api(`/v1/users?limit=1000&${filter}`);
  assert.deepEqual(await rows(page, 'users'), wanted.users.slice(0, 50).map(user => user.id));
  await page.goto('/users?q=user-');
  await page.locator('#users th[aria-sort] a').click();
  await page.locator('a[rel=next]').click();
  assert.ok((await rows(page, 'users')).length >= 15);
  await page.locator('#users td.act button').first().click();
  await page.locator('#users .pop:popover-open a[href$="/edit"]').click();
  await page.locator('#f-country').fill('PT');
  await page.locator('main form .btn.main').click();
  await page.waitForURL(url => /^\/users\/user-\d+$/.test(url.pathname));
  assert.match(await page.locator('main').innerText(), /\bPT\b/);
  await page.goto('/?month=2026-01');
  await page.locator('#month').selectOption({index: 0});
  await page.locator('noscript button, .step button').click();
  await page.waitForURL(url => url.searchParams.get('month') !== '2026-01');
  await signOut(page);
});

story('in French, with numbers and dates as they are written there', async person => {
  const page = await person('support', {locale: 'fr-FR'});
  await page.goto('/');
  assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
  assert.match(await page.locator('main').innerText(), /Inscrits|Inscriptions/);
  for (const path of ['/users', '/users/ana', '/contents']) {
    await page.goto(path);
    assert.doesNotMatch(await page.locator('body').innerText(), /\b(Users|Registered|Sign out|Download|Show)\b/, path);
  }
  await page.goto('/users/ana');
  assert.match(await page.locator('main').innerText(), /9,99/);
  // It may be changed to English, which is kept.
  await page.locator('[popovertarget=who]').click();
  await page.locator('form[action="/preferences"] button[value=en]').click();
  await page.locator('html[lang=en]').waitFor();
  await page.goto('/');
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
});

story('the scheme is chosen, and kept', async person => {
  const page = await person('viewer', {colorScheme: 'light'});
  await page.goto('/');
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor);
  const light = await paper();
  await page.locator('[popovertarget=who]').click();
  await page.locator('form[action="/preferences"] button[value=dark]').click();
  await page.locator('html[data-theme=dark]').waitFor();
  assert.notEqual(await paper(), light);
  await page.goto('/contents');
  await page.locator('html[data-theme=dark]').waitFor();
});

story('narrow: the menu and the filter open, and a user is found', async person => {
  const page = await person('support', {viewport: {width: 360, height: 740}, hasTouch: true});
  await page.goto('/');
  await page.locator('[popovertarget=nav]').tap();
  await page.locator('#nav a[href="/users"]').tap();
  await page.locator('#users').waitFor();
  await page.locator('[popovertarget=fields]').tap();
  await page.locator('#period').selectOption({index: 3});
  await page.waitForURL(/registered_from=/);
  await until('the list is there', async () => (await rows(page, 'users')).length > 0);
  await page.locator('#users tbody th a').first().tap();
  await page.waitForURL(/\/users\/[^?]+$/);
});

story('a form that another site sends is refused', async person => {
  const page = await person('admin');
  const answer = await page.context().request.post(`${address}/users/new`, {form: {first_name: 'Mallory', id: 'mallory'}, headers: {Origin: 'https://example.org'}});
  assert.equal(answer.status(), 403);
  const without = await page.context().request.post(`${address}/users/new`, {form: {first_name: 'Mallory', id: 'mallory'}, headers: {Origin: address}});
  assert.equal(without.status(), 403);
  assert.deepEqual((await api('/v1/users?q=mallory')).users, []);
  await publish('user.updated', 'user-01', {country: 'FR'}); // and others go on
});

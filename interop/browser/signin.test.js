// Signing in and out, and who may see what.
import assert from 'node:assert/strict';
import {api, back, keys, publish, rows, signIn, signOut, story} from './people.js';

// What each role finds at the top of every page.
const navigation = {
  viewer: ['/', '/contents'],
  support: ['/', '/contents', '/users'],
  auditor: ['/', '/contents', '/history', '/refused', '/audit', '/health'],
  admin: ['/', '/contents', '/users', '/history', '/refused', '/audit', '/health', '/keys'],
};

for (const [role, pages] of Object.entries(navigation)) {
  story(`${role}: signs in, opens every page there is, and signs out`, async person => {
    const page = await person();
    await signIn(page, keys[role]);
    const links = await page.locator('#nav a').evaluateAll(all => all.map(a => a.getAttribute('href')));
    assert.deepEqual(links, pages);
    for (const path of pages) {
      await page.locator(`#nav a[href="${path}"]`).click();
      await page.waitForURL(url => url.pathname === path);
      assert.equal(await page.locator('#nav [aria-current=page]').getAttribute('href'), path);
    }
    await signOut(page);
    await page.goto('/contents');
    assert.equal(new URL(page.url()).pathname, '/signin', 'a page after signing out');
  });
}

story('somebody who isn’t signed in is asked to, and goes on to where they wanted', async person => {
  const page = await person();
  await page.goto('/?month=2026-01');
  assert.match(page.url(), /\/signin\?next=/);
  await signIn(page, keys.viewer);
  assert.match(page.url(), /\/\?month=2026-01$/);
});

story('a wrong key is refused, and the right one then does', async person => {
  const page = await person(null, {statuses: [401]});
  await page.goto('/signin');
  await page.locator('input[name=key]').fill('no such key');
  await page.locator('form[action="/signin"] button').click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('#key').getAttribute('aria-invalid'), 'true');
  await signIn(page, keys.support);
  assert.equal(new URL(page.url()).pathname, '/');
});

story('after signing out, the way back shows nothing', async person => {
  const page = await person('support');
  await page.goto('/users/ana');
  await signOut(page);
  await back(page);
  await page.waitForURL('**/signin*');
  assert.equal(await page.getByText('García').count(), 0);
});

story('an address from outside isn’t gone on to', async person => {
  const page = await person();
  for (const next of ['//example.org/', 'https://example.org/', '/\\example.org']) {
    await page.goto(`/signin?next=${encodeURIComponent(next)}`);
    await signIn(page, keys.viewer);
    assert.match(page.url(), /^http:\/\/127\.0\.0\.1:\d+\/$/, next);
    await signOut(page);
  }
});

story('a page that the role may not see says so, and which roles may', async person => {
  for (const [role, path] of [['viewer', '/users'], ['viewer', '/users/ana'], ['viewer', '/audit'], ['support', '/history'],
    ['support', '/users/new'], ['auditor', '/users'], ['auditor', '/keys']]) {
    const page = await person(role, {statuses: [403]});
    const answer = await page.goto(path);
    assert.equal(answer.status(), 403, `${role} at ${path}`);
    assert.match(await page.locator('main').innerText(), /for: .*admin/);
    await page.locator('main a[href="/"]').click();
    await page.locator('#kpi-registered').waitFor();
    await page.context().close();
  }
});

story('an address that isn’t there leads back', async person => {
  const page = await person('support', {statuses: [404]});
  for (const path of ['/nowhere', '/users/nobody', '/contents/nothing']) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 404, path);
    await page.locator('main a[href="/"]').click();
    await page.locator('#kpi-registered').waitFor();
  }
});

story('a viewer finds no user anywhere, an auditor no body', async person => {
  await publish('user.updated', 'ana', {country: 'PT'});
  const viewer = await person('viewer');
  await viewer.goto('/contents/the-quiet-river');
  assert.ok((await rows(viewer, 'sessions')).length > 0);
  assert.equal(await viewer.locator('a[href^="/users"]').count(), 0);
  assert.doesNotMatch(await viewer.content(), /user-\d\d|\bana\b/);
  const auditor = await person('auditor');
  const log = await api('/v1/events?user_id=ana&limit=1');
  await auditor.goto(`/history/${log.events[0].position}`);
  assert.doesNotMatch(await auditor.content(), /Ana|García|ana@example\.org/);
});

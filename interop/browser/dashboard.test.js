// The dashboard: its figures, what is behind them, and how it moves.
import assert from 'node:assert/strict';
import {isDeepStrictEqual} from 'node:util';
import {api, asOf, back, figure, publish, rows, story, until} from './people.js';

const figures = month => ({
  registered: month.registered.count,
  active: month.active.count,
  trial: month.trial.count,
  unsubscribed: month.unsubscribed.count,
});

const reasons = ['voluntary', 'non_payment', 'switched', 'other', 'expired', 'paused'];

/** The month that is n before another. */
function earlier(month, n) {
  const [year, number] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 - n)).toISOString().slice(0, 7);
}

/** What stands on the dashboard. */
async function shown(page) {
  const all = {};
  for (const name of ['registered', 'active', 'trial', 'unsubscribed']) all[name] = await figure(page.locator(`#kpi-${name}`));
  return all;
}

for (const role of ['viewer', 'support', 'auditor', 'admin']) {
  story(`${role}: reads the figures that the API has`, async person => {
    const page = await person(role);
    // Events come meanwhile that happened before, so both are asked until they agree.
    await until('the page and the API agree', async () => {
      await page.goto('/');
      const at = await asOf(page);
      const month = await page.locator('#month').inputValue();
      const said = await api(`/v1/kpis/${month}?as_of=${encodeURIComponent(at)}`, {role});
      const here = await shown(page);
      assert.ok(here.registered > 0 || here.active > 0, 'a platform without users');
      return isDeepStrictEqual(here, figures(said));
    });
  });
}

story('every figure of a month, of its days and of the months is the API’s', async person => {
  const page = await person('viewer');
  const month = earlier(new Date().toISOString().slice(0, 7), 1);
  await page.goto(`/?month=${month}&months=24`);
  const at = encodeURIComponent(await asOf(page));
  const said = await api(`/v1/kpis/${month}?as_of=${at}`, {role: 'viewer'});
  assert.equal(await page.locator('#kpi-unsubscribed .reasons li').count(), reasons.length);
  for (const [i, reason] of reasons.entries()) {
    assert.equal(await figure(page.locator('#kpi-unsubscribed .reasons li').nth(i)), said.unsubscribed.by_reason[reason], reason);
  }
  const numbers = table => page.locator(`#${table} tbody tr`).evaluateAll(all => all.map(row => [...row.querySelectorAll('td data')].map(data => Number(data.value))));
  const days = await api(`/v1/kpis/${month}/days?as_of=${at}`, {role: 'viewer'});
  assert.deepEqual((await numbers('days-table')).map(row => row[0]), days.days.map(day => day.registered));
  const {months} = await api(`/v1/kpis?from=${earlier(month, 23)}&to=${month}&as_of=${at}`, {role: 'viewer'});
  assert.equal(months.length, 24);
  for (const kpi of ['registered', 'active', 'trial']) {
    assert.deepEqual((await numbers(`${kpi}-table`)).map(row => row[0]), months.map(m => m[kpi].count), kpi);
  }
  assert.deepEqual(await numbers('unsubscribed-table'), months.map(m => [m.unsubscribed.count, ...reasons.map(r => m.unsubscribed.by_reason[r])]));
});

story('what was watched, in all and by content, is the API’s', async person => {
  const page = await person('viewer');
  await page.goto('/contents');
  const {contents} = await api('/v1/contents', {role: 'viewer'});
  assert.deepEqual(await rows(page, 'contents'), contents.map(c => c.content_id));
  const shown = await page.locator('#contents tbody tr').evaluateAll(all => all.map(row => Number(row.querySelector('td data').value)));
  assert.deepEqual(shown, contents.map(c => c.sessions));
  await page.locator('#contents tr[data-id="the-quiet-river"] th a').click();
  await page.waitForURL('**/contents/the-quiet-river');
  assert.equal(await figure(page.locator('main dl')), contents.find(c => c.content_id === 'the-quiet-river').sessions);
});

story('support: behind each figure are the users it counts', async person => {
  const page = await person('support');
  await page.goto('/');
  await page.locator('.step a').first().click(); // a month in which nothing happens any more
  await page.waitForURL(/month=/);
  const month = page.url();
  for (const name of ['registered', 'active', 'trial', 'unsubscribed']) {
    await page.goto(month);
    const count = await figure(page.locator(`#kpi-${name}`));
    await page.locator(`#kpi-${name} .big a`).click();
    await page.locator('#users').waitFor();
    assert.equal((await rows(page, 'users')).length, count, name);
  }
  await page.goto(month);
  const reasons = page.locator('#kpi-unsubscribed .reasons li');
  for (let i = 0; i < await reasons.count(); i++) {
    const count = await figure(reasons.nth(i));
    await reasons.nth(i).locator('a').click();
    await page.locator('#users').waitFor();
    assert.equal((await rows(page, 'users')).length, count);
    await back(page);
    await page.waitForURL(month);
    await reasons.first().waitFor();
  }
});

story('a viewer’s figures open nothing about users', async person => {
  const page = await person('viewer');
  await page.goto('/');
  assert.equal(await page.locator('#figures a').count(), 0);
});

story('months are turned over, and charts have their numbers beside them', async person => {
  const page = await person('viewer');
  await page.goto('/');
  const now = await page.locator('#month').inputValue();
  await page.locator('.step a').first().click();
  await page.waitForURL(/month=/);
  const before = await page.locator('#month').inputValue();
  assert.notEqual(before, now);
  await page.locator('#month').selectOption(now);
  await page.waitForURL(url => url.searchParams.get('month') === now);
  for (const chart of ['days', 'registered', 'active', 'trial', 'unsubscribed']) {
    const table = page.locator(`#${chart}-table`);
    await page.locator('details', {has: table}).locator('summary').click();
    await table.waitFor();
    assert.ok(await table.locator('tbody tr').count() >= 12, chart);
  }
  await page.locator('.seg a', {hasText: '36'}).click();
  await page.waitForURL(/months=36/);
  assert.equal(await page.locator('#registered-table tbody tr').count(), 36);
  await back(page);
  await page.waitForURL(url => url.searchParams.get('month') === now && !url.searchParams.has('months'));
  await back(page);
  await page.waitForURL(url => url.searchParams.get('month') === before);
  await until('the field says what the address says', async () => await page.locator('#month').inputValue() === before);
});

story('figures move while somebody types, who loses nothing', async person => {
  const page = await person('admin');
  await page.goto('/');
  await page.locator('#as-of .live').waitFor();
  const registered = page.locator('#kpi-registered');
  const before = await figure(registered);
  // What is open and in focus stays so when its part of the page is exchanged.
  const more = page.locator('details', {has: page.locator('#registered-table')});
  await more.locator('summary').click();
  await page.locator('#kpi-active .big a').focus();
  await page.evaluate(() => scrollTo(0, 120));
  const from = await page.evaluate(() => scrollY);
  await publish('user.registered', 'live-1', {first_name: 'Live'});
  await until('the figure has moved', async () => await figure(registered) > before);
  assert.equal(await page.evaluate(() => document.activeElement.closest('section').id), 'kpi-active');
  assert.equal(await more.getAttribute('open'), '');
  assert.equal(await page.evaluate(() => scrollY), from);
  const focused = page.locator('#month');
  await focused.focus();
  const next = await figure(registered);
  await publish('user.registered', 'live-2', {});
  await until('the figure has moved again', async () => await figure(registered) > next);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'month');
});

story('two who look at the same see the same', async person => {
  const [one, two] = [await person('viewer'), await person('viewer', {locale: 'fr-FR'})];
  for (const page of [one, two]) await page.goto('/');
  const before = await figure(one.locator('#kpi-registered'));
  await publish('user.registered', 'live-3', {});
  for (const page of [one, two]) await until('the figure has moved', async () => await figure(page.locator('#kpi-registered')) > before);
});

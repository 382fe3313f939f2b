// Files: users imported from one, and lists and people downloaded as one.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {api, figure, partOf, rows, story, until} from './people.js';

const people = Buffer.from('email,id,first_name,custom.seat\nimp-1@example.net,imp-1,Ivy,A1\nimp-2@example.net,imp-2,Igor,B2\n,imp-3,Nobody,C3\n');

/** Chooses a file, and waits until it has been checked. */
async function check(page, file) {
  await page.goto('/users');
  await page.locator('a[href="/users/import"]').click();
  await page.locator('#file').setInputFiles(file);
  await page.locator('main form .btn.main').click();
  await page.locator('#rows').waitFor();
}

story('users are imported: looked at first, then for real, with a report', async person => {
  const page = await person('admin');
  await check(page, {name: 'people.csv', mimeType: 'text/csv', buffer: people});
  assert.deepEqual((await rows(page, 'rows')).sort(), ['2', '3', '4']); // lines of the file
  assert.equal(await figure(page.locator('.fig', {has: page.locator('#n-created')})), 2);
  assert.deepEqual((await api('/v1/users?q=imp-')).users, [], 'a dry run has made users');
  await page.locator('main form .btn.main').click();
  await page.locator('main .note.good').waitFor();
  await until('they are there', async () => (await api('/v1/users?q=imp-')).users.length === 2);
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[href$="/report"]').click()]);
  const report = await readFile(await download.path(), 'utf8');
  assert.match(report, /imp-1/);
  assert.equal(report.trim().split(/\r?\n/).length, 4);
});

story('a file that isn’t one of users is said so', async person => {
  const page = await person('admin', {statuses: [422]});
  await page.goto('/users/import');
  await page.locator('#file').setInputFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('colour\nblue\n')});
  await page.locator('main form .btn.main').click();
  await page.locator('main [role=alert]').waitFor();
});

story('what is filtered is downloaded, and what is held about somebody', async person => {
  const page = await person('support');
  await page.goto('/users?q=garc');
  const get = async link => {
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    return readFile(await download.path());
  };
  await page.locator('[popovertarget=get]').click();
  const csv = (await get(page.locator('#get a').nth(1))).toString();
  assert.match(csv, /ana@example\.org/);
  assert.doesNotMatch(csv, /user-01/);
  if (!await page.locator('#get').isVisible()) await page.locator('[popovertarget=get]').click();
  const workbook = await get(page.locator('#get a').first());
  assert.match(partOf(workbook, 'xl/worksheets/sheet1.xml'), /ana@example\.org/);
  assert.doesNotMatch(partOf(workbook, 'xl/worksheets/sheet1.xml'), /user-01/);
  await page.goto('/users/ana');
  const held = JSON.parse(await get(page.locator('a[download][href*="/data"]')));
  assert.match(JSON.stringify(held), /García/);
  await page.locator('[popovertarget=sget]').click();
  assert.match((await get(page.locator('#sget a').nth(1))).toString(), /s-a1/);
});

story('users are imported without JavaScript', async person => {
  const page = await person('admin', {javaScriptEnabled: false});
  await page.goto('/users/import');
  await page.locator('#file').setInputFiles({name: 'plain.csv', mimeType: 'text/csv', buffer: Buffer.from('email,id\nplain@example.net,plain-1\n')});
  await page.locator('main form .btn.main').click();
  await page.locator('#rows').waitFor(); // it asks for itself again until it is done
  assert.equal(await figure(page.locator('.fig', {has: page.locator('#n-created')})), 1);
  await page.locator('main form .btn.main').click();
  await page.locator('main .note.good').waitFor();
  await until('the user is there', async () => (await api('/v1/users?q=plain-1')).users.length === 1);
});

story('the report of an import that was refused in parts says what was wrong, by keyboard alone', async person => {
  const page = await person('admin');
  await page.goto('/users/import');
  const chosen = page.waitForEvent('filechooser');
  await page.locator('#file').focus();
  await page.keyboard.press('Enter');
  await (await chosen).setFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('email,id\n,imp-9\n')});
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('#rows').waitFor();
  assert.match(await page.locator('#rows tbody tr').innerText(), /Refused/);
  assert.equal(await page.locator('main form .btn.main').count(), 0, 'there is nothing to import');
});

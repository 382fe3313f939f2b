// How the pages about users look, in every state.
import {looks} from './looks.js';
import {inPath} from './people.js';

// Columns of every kind: known, twice the same, unknown, long, without a name.
const columns = 'E-Mail address,first,Given name,Plan,' + 'a name of a column that goes on and on '.repeat(4) + ',<b>notes</b>, ,status\na@example.net,Ana,Anna,gold,x,y,z,active\n';

/** Uploads a file whose columns have to be chosen. */
async function upload(page) {
  await page.locator('#file').setInputFiles({name: 'membres d’été.csv', mimeType: 'text/csv', buffer: Buffer.from(columns)});
  await page.locator('main form .btn.main').click();
  await page.locator('#columns').waitFor();
}

looks({
  users: {role: 'admin', path: '/users'},
  'users-gear': {role: 'admin', path: '/users?q=user-1', async act(page) {
    await page.locator('#users td.act button').nth(1).click();
  }},
  'users-columns': {role: 'support', path: '/users?q=user-1', async act(page) {
    await page.locator('[popovertarget=cols]').click();
  }},
  'users-none': {role: 'support', path: '/users?q=nobody&status=active'},
  'users-counted': {role: 'support', path: `/users?kpi=active&month=${new Date().toISOString().slice(0, 7)}`},
  user: {role: 'admin', path: '/users/ana'},
  'user-contents': {role: 'support', path: '/users/ana', async act(page) {
    await page.locator('#viewing .seg a').nth(1).click();
    await page.locator('#contents').waitFor();
  }},
  'user-bare': {role: 'support', path: '/users/bare'},
  'user-markup': {role: 'admin', path: `/users/${inPath(`<b>"'&/ ?`)}`},
  'user-new': {role: 'admin', path: '/users/new'},
  'user-new-wrong': {role: 'admin', path: '/users/new', statuses: [422], async act(page) {
    await page.locator('#f-email').fill('ana@example.org');
    await page.locator('#f-id').fill('ana');
    await page.locator('#c-0').fill('a value without a key');
    await page.locator('main form .btn.main').click();
    await page.getByRole('alert').first().waitFor();
  }},
  'user-edit': {role: 'admin', path: '/users/ana/edit'},
  import: {role: 'admin', path: '/users/import'},
  'import-checked': {role: 'admin', path: '/users/import', async act(page) {
    await page.locator('#file').setInputFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('email\nlooked-at@example.net\nnot an address\n')});
    await page.locator('main form .btn.main').click();
    await page.locator('#rows').waitFor();
  }},
  'erase-one': {role: 'admin', path: '/users?q=garc', async act(page) {
    await page.locator('#users td.act button').first().click();
    await page.locator('#users .pop:popover-open a.grave').click();
    await page.locator('dialog[open]').waitFor();
  }},
  'erase-several': {role: 'admin', path: '/users/erase?id=user-11&id=user-12'},
  'users-chosen': {role: 'admin', path: '/users?q=user-1', async act(page) {
    await page.locator('#users .pick').first().check();
    await page.locator('.bulk').waitFor();
  }},
  'users-filter': {role: 'support', path: '/users?q=user-1', at: [360, 768], async act(page) {
    await page.locator('[popovertarget=fields]').click();
  }},
  'user-saved': {role: 'admin', path: '/users/user-01?saved=1'},
  'user-unknown': {role: 'admin', path: '/users/nobody', statuses: [404]},
  'import-done': {role: 'admin', path: '/users/import', async act(page) {
    await page.locator('#file').setInputFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('email,id\nlooked-for@example.net,looked-for\n')});
    await page.locator('main form .btn.main').click();
    await page.locator('#rows').waitFor();
    await page.locator('main form .btn.main').click();
    await page.locator('main .note.good').waitFor();
  }},
  'import-columns': {role: 'admin', path: '/users/import', act: upload},
  'import-columns-french': {role: 'admin', path: '/users/import', locale: 'fr-FR', act: upload},
  'import-chosen-french': {role: 'admin', path: '/users/import', locale: 'fr-FR', async act(page) {
    await upload(page);
    for (const [n, field] of [[3, '-'], [4, 'custom.Plan'], [5, '-'], [6, '-'], [7, '-']]) await page.locator(`#column-${n}`).selectOption(field);
    await page.locator('main button.main').click();
    await page.locator('#rows').waitFor();
  }},
  'import-wrong': {role: 'admin', path: '/users/import', statuses: [422], async act(page) {
    await page.locator('#file').setInputFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('colour\nblue\n')});
    await page.locator('main form .btn.main').click();
    await page.locator('main [role=alert]').waitFor();
  }},
});

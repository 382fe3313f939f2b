// Every page in every state, light and dark, from a telephone to a wall: axe
// finds nothing, and the page doesn't scroll sideways. A screenshot of each is kept.
import assert from 'node:assert/strict';
import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import axe from 'axe-core';
import {api, inPath, story} from './people.js';

const widths = [360, 768, 1280, 2560];
const shots = process.env.SCREENSHOTS;
// What is dark differs in colours only, so only rules about those are asked again.
const rules = {
  light: {},
  dark: {runOnly: ['color-contrast', 'link-in-text-block']},
};
// One scheme is kept at every width, the other where it is narrow and usual.
const kept = {light: widths, dark: [360, 1280]};

// The rows of a long list are alike: of each list the first are asked about.
const what = {exclude: ['tbody tr:nth-child(n+13)']};

/** Looks at a page as it is now, at every width and in both schemes. */
async function look(page, name) {
  await mkdir(shots, {recursive: true});
  await page.evaluate(axe.source);
  const findings = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});
    for (const width of widths) {
      await page.setViewportSize({width, height: 900});
      const at = `${name} at ${width} px, ${colorScheme}`;
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) findings.push(`${at}: the page is ${wide} px too wide`);
      const {violations} = await page.evaluate(([on, rule]) => globalThis.axe.run(on, {...rule, resultTypes: ['violations'], preload: false}), [what, rules[colorScheme]]);
      for (const v of violations) findings.push(`${at}: ${v.id}, ${v.help}\n${v.nodes.slice(0, 3).map(node => '  ' + node.html.slice(0, 200) + '\n  ' + node.failureSummary).join('\n')}`);
      if (kept[colorScheme].includes(width)) {
        await page.screenshot({path: path.join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true});
      }
    }
  }
  assert.deepEqual(findings, []);
}

const firstRefused = async () => (await api('/v1/refused')).refused.at(-1).id;

// Pages by name: whose, where, and what is done there before it is looked at.
const pages = {
  signin: {path: '/signin'},
  'signin-wrong': {path: '/signin', statuses: [401], async act(page) {
    await page.locator('#key').fill('no such key');
    await page.locator('form[action="/signin"] button').click();
    await page.getByRole('alert').waitFor();
  }},
  dashboard: {role: 'support', path: '/'},
  'dashboard-numbers': {role: 'viewer', path: '/?months=24', async act(page) {
    for (const summary of await page.locator('summary').all()) await summary.click();
  }},
  'dashboard-to-come': {role: 'viewer', path: '/?month=2199-01'},
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
  contents: {role: 'viewer', path: '/contents'},
  content: {role: 'support', path: '/contents/the-quiet-river'},
  history: {role: 'admin', path: '/history'},
  'history-one-user': {role: 'admin', path: '/history?user_id=ana'},
  event: {role: 'auditor', path: '/history/1'},
  refused: {role: 'auditor', path: '/refused'},
  'refused-event': {role: 'admin', path: async () => `/refused/${await firstRefused()}`},
  audit: {role: 'auditor', path: '/audit'},
  import: {role: 'admin', path: '/users/import'},
  'import-checked': {role: 'admin', path: '/users/import', async act(page) {
    await page.locator('#file').setInputFiles({name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('email\nlooked-at@example.net\nnot an address\n')});
    await page.locator('main form .btn.main').click();
    await page.locator('#rows').waitFor();
  }},
  health: {role: 'admin', path: '/health'},
  keys: {role: 'admin', path: '/keys'},
  'keys-wrong': {role: 'admin', path: '/keys', statuses: [422], async act(page) {
    await page.locator('form[action="/keys"] button.main').click();
    await page.getByRole('alert').first().waitFor();
  }},
  'keys-made': {role: 'admin', path: '/keys', async act(page) {
    await page.locator('#f-name').fill('to be looked at');
    await page.locator('#f-role').selectOption('viewer');
    await page.locator('form[action="/keys"] button.main').click();
    await page.locator('#key').waitFor();
  }},
  'erase-one': {role: 'admin', path: '/users?q=garc', async act(page) {
    await page.locator('#users td.act button').first().click();
    await page.locator('#users .pop:popover-open a.grave').click();
    await page.locator('dialog[open]').waitFor();
  }},
  'erase-several': {role: 'admin', path: '/users/erase?id=user-11&id=user-12'},
  forbidden: {role: 'viewer', path: '/users', statuses: [403]},
  unknown: {role: 'viewer', path: '/nowhere', statuses: [404]},
};

for (const [name, {role, path: where, statuses, act}] of Object.entries(pages)) {
  story(`looks: ${name}`, async person => {
    const page = await person(role, {statuses});
    await page.goto(typeof where === 'function' ? await where() : where);
    await act?.(page);
    await look(page, name);
  });
}

// How the pages look that aren't about users, in every state.
import {looks} from './looks.js';
import {api} from './people.js';

const firstRefused = async () => (await api('/v1/refused')).refused.at(-1).id;

looks({
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
  contents: {role: 'viewer', path: '/contents'},
  content: {role: 'support', path: '/contents/the-quiet-river'},
  history: {role: 'admin', path: '/history'},
  'history-one-user': {role: 'admin', path: '/history?user_id=ana'},
  event: {role: 'auditor', path: '/history/1'},
  refused: {role: 'auditor', path: '/refused'},
  'refused-event': {role: 'admin', path: async () => `/refused/${await firstRefused()}`},
  audit: {role: 'auditor', path: '/audit'},
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
  forbidden: {role: 'viewer', path: '/users', statuses: [403]},
  unknown: {role: 'viewer', path: '/nowhere', statuses: [404]},
  'menu-pages': {role: 'admin', path: '/contents', at: [360, 768], async act(page) {
    await page.locator('[popovertarget=nav]').click();
  }},
  'menu-who': {role: 'admin', path: '/contents', async act(page) {
    await page.locator('[popovertarget=who]').click();
  }},
  'contents-none': {role: 'viewer', path: '/contents?from=2001-01-01&to=2001-02-01'},
  'history-none': {role: 'admin', path: '/history?from=2001-01-01&to=2001-02-01'},
  'event-open': {role: 'admin', path: '/history/1'},
  'refused-none': {role: 'auditor', path: '/refused?reason=too_large'},
  'audit-none': {role: 'auditor', path: '/audit?actor=nobody'},
  'keys-revoke': {role: 'admin', path: '/keys', async act(page) {
    await page.locator('#f-name').fill('to be asked about');
    await page.locator('#f-role').selectOption('viewer');
    await page.locator('form[action="/keys"] button.main').click();
    await page.locator('#key').waitFor();
    await page.goto('/keys');
    await page.locator('#keys tr[data-id="to be asked about"] a[data-ask]').click();
    await page.locator('dialog[open]').waitFor();
  }},
});

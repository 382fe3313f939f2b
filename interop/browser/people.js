// People who use the pages with a browser: `person(role)` opens a page of a
// browser of their own. Whatever a browser complains about while a
// test runs makes it fail: violations of the policy, errors on the console and
// in scripts, requests that failed, requests to other hosts.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {inflateRawSync} from 'node:zlib';
import {chromium} from 'playwright-core';

export const address = process.env.BOXOFFICE_ADDRESS;
export const keys = JSON.parse(process.env.BOXOFFICE_KEYS);
export const PATIENCE = 20_000;

const chromiumArgs = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // it doesn't work for root
];
let browser;
after(() => browser?.close());

/**
 * A test of what people do; `person(role)` opens an empty page for one of them, who
 * is signed in already.
 */
export function story(name, body, timeout = 120_000) {
  test(name, {timeout}, async () => {
    browser ??= await chromium.launch({executablePath: process.env.CHROMIUM, args: chromiumArgs});
    const contexts = [], complaints = [];
    const person = async (role, options = {}) => {
      const {key = keys[role], statuses = [], watched = true, ...context} = options;
      const opened = await browser.newContext({baseURL: address, ...context});
      contexts.push(opened);
      opened.setDefaultTimeout(PATIENCE);
      if (watched) await watch(opened, statuses, complaints);
      const page = await opened.newPage();
      if (key) await begin(opened, key);
      return page;
    };
    try {
      await body(person);
    } finally {
      await Promise.all(contexts.map(context => context.close()));
    }
    assert.deepEqual(complaints, [], 'what the browser complained about');
  });
}

/** Opens a file and returns the text of a part of it: of an Excel workbook, a zip archive. */
export function partOf(archive, name) {
  let entry = archive.indexOf('PK\x01\x02', archive.readUInt32LE(archive.lastIndexOf('PK\x05\x06') + 16), 'latin1');
  for (; archive.readUInt32LE(entry) === 0x02014b50;) {
    const [named, extra, comment] = [28, 30, 32].map(at => archive.readUInt16LE(entry + at));
    if (archive.toString('utf8', entry + 46, entry + 46 + named) === name) {
      const local = archive.readUInt32LE(entry + 42);
      const begin = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const packed = archive.subarray(begin, begin + archive.readUInt32LE(entry + 20));
      return (archive.readUInt16LE(entry + 10) === 0 ? packed : inflateRawSync(packed)).toString();
    }
    entry += 46 + named + extra + comment;
  }
  assert.fail(`there is no ${name} in it`);
}

/** Collects what a browser complains about; statuses are answers that are meant. */
async function watch(context, statuses, complaints) {
  const meant = text => statuses.some(status => new RegExp(`status (of )?${status}\\b`).test(text));
  await context.addInitScript(() => addEventListener('securitypolicyviolation', event =>
    console.error(`the policy's ${event.effectiveDirective} forbids ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`)));
  context.on('weberror', error => complaints.push(`an error in a script: ${error.error().stack}`));
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type()) && !meant(message.text())) {
      complaints.push(`on the console of ${message.page()?.url()}: ${message.text()}`);
    }
  });
  context.on('request', request => {
    if (!request.url().startsWith(address + '/')) complaints.push(`a request to ${request.url()}`);
  });
  context.on('requestfailed', request => {
    // What a page no longer needs is aborted: a stream, a search, what becomes a download.
    const why = request.failure().errorText;
    if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${why}`);
  });
  context.on('response', answer => {
    if (answer.status() >= 400 && !statuses.includes(answer.status())) {
      complaints.push(`${answer.request().method()} ${answer.url()} was answered with ${answer.status()}`);
    }
  });
}

/** Begins a session, as the form for signing in does. */
async function begin(context, key) {
  const answer = await context.request.post('/signin', {form: {key}, maxRedirects: 0});
  assert.equal(answer.status(), 303, 'signing in');
}

/** Ends the session of a page's browser, and leaves the page first, which would tell it. */
export async function endSession(page) {
  await page.goto('about:blank');
  const {request} = page.context();
  const [, token] = /name="csrf_token" value="([^"]+)"/.exec(await (await request.get('/users')).text());
  const answer = await request.post('/signout', {form: {csrf_token: token}, maxRedirects: 0});
  assert.equal(answer.status(), 303, 'signing out');
}

/** Signs in on the page that asks for it. */
export async function signIn(page, key) {
  if (!page.url().includes('/signin')) await page.goto('/signin');
  await page.locator('input[name=key]').fill(key);
  await page.locator('form[action="/signin"] button').click();
  await page.waitForURL(url => url.pathname !== '/signin');
}

/** Signs out by the menu at the top. */
export async function signOut(page) {
  await page.locator('[popovertarget=who]').click();
  await page.locator('form[action="/signout"] button').click();
  await page.waitForURL('**/signin*');
}

/** What the API answers a role. */
export async function api(path, {role = 'admin', key = keys[role], method = 'GET', body, type = 'application/json'} = {}) {
  const answer = await fetch(address + path, {
    method, headers: {Authorization: `Bearer ${key}`, ...(body && {'Content-Type': type})},
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path} was answered with ${answer.status}`);
  return answer.headers.get('Content-Type')?.includes('json') ? answer.json() : answer.text();
}

let published = 0;
/** Publishes an event that happens now. */
export async function publish(type, subject, data, time = new Date()) {
  published += 1;
  await api('/v1/events', {
    method: 'POST', type: 'application/cloudevents+json',
    body: {specversion: '1.0', id: `browser-${process.pid}-${published}`, source: '/browser', type, subject, time: time.toISOString(), data},
  });
}

/** Waits until something is so, and returns it. */
export async function until(what, ask) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const is = await ask().catch(unlessLeft);
    if (is) return is;
    assert.ok(Date.now() < deadline, `not so: ${what}`);
    await sleep(50);
  }
}

/** A page that is being left while it is asked has no answer; all else is an error. */
function unlessLeft(error) {
  if (!error.message.includes('Execution context was destroyed')) throw error;
}

/** Goes back; the page may then be asked for once more, so wait for what is to be there. */
export const back = page => page.evaluate(() => history.back());

/** The number in an element: of its first <data>. */
export const figure = async element => Number(await element.locator('data').first().getAttribute('value'));

/** The ids of the rows of a list. */
export const rows = (page, list) => page.locator(`#${list} tbody tr[data-id]`).evaluateAll(all => [...new Set(all.map(row => row.dataset.id))]);

/** The moment that a page shows, as it stands in the address of what the API says of it. */
export const asOf = page => page.locator('#as-of time').first().getAttribute('datetime');

/** An id as it stands in an address. */
export const inPath = id => encodeURIComponent(id);

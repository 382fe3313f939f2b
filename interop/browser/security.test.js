// What an attacker would try: to have somebody sign in with a session that the
// attacker knows, to send forms from another site, and to show pages in a frame.
import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {address, api, keys, signIn, story} from './people.js';

/** The session of a browser. */
const session = async page => (await page.context().cookies()).find(cookie => /^(__Host-)?boxoffice$/.test(cookie.name));

/** Whether a session's value opens a page. */
async function opens({name, value}, path) {
  const answer = await fetch(address + path, {headers: {Cookie: `${name}=${value}`}, redirect: 'manual'});
  return answer.status === 200;
}

story('a session that was there before signing in is worth nothing after it', async person => {
  const attacker = await person('viewer');
  const known = await session(attacker);
  assert.ok(await opens(known, '/contents'));
  const victim = await person();
  await victim.context().addCookies([{name: known.name, value: known.value, url: address}]);
  await victim.goto('/signin');
  await signIn(victim, keys.admin);
  const theirs = await session(victim);
  assert.notEqual(theirs.value, known.value);
  assert.equal(await opens(known, '/contents'), false, 'the session that the attacker knows goes on');
  assert.ok(await opens(theirs, '/keys'));
  assert.equal(theirs.httpOnly, true);
  assert.equal(theirs.sameSite, 'Lax');
  assert.equal(theirs.path, '/');
});

/** A site of somebody else, at another origin, with one page. */
async function site(html, visit) {
  const server = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end(html));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await visit(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

story('a form that another site has the browser send changes nothing', async person => {
  const page = await person('admin', {watched: false});
  // The same host at another port: the browser sends the session's cookie along.
  const html = `<form method="post" action="${address}/users/new"><input name="id" value="forged"><input name="first_name" value="F"></form><button>win</button>`;
  await site(html, async url => {
    await page.goto(url);
    const [answer] = await Promise.all([
      page.waitForResponse(answer => answer.url() === `${address}/users/new`),
      page.evaluate(() => document.forms[0].submit()),
    ]);
    assert.ok((await answer.request().allHeaders()).cookie?.includes('boxoffice='), 'the browser sent no session');
    assert.equal(answer.status(), 403);
  });
  assert.deepEqual((await api('/v1/users?q=forged')).users, []);
});

story('no page shows in another site’s frame', async person => {
  const page = await person('admin', {watched: false});
  for (const path of ['/', '/users', '/users/ana/edit', '/keys', '/signin', '/nowhere']) {
    await site(`<iframe src="${address}${path}"></iframe>`, async url => {
      await page.goto(url, {waitUntil: 'load'});
      const frame = page.frames().find(frame => frame !== page.mainFrame());
      assert.equal(await frame.locator('main').count(), 0, path);
    });
    const answer = await page.request.get(path);
    assert.match(answer.headers()['content-security-policy'], /frame-ancestors 'none'/, path);
  }
});

story('each answer tells the browser to be careful', async person => {
  const page = await person('admin', {statuses: [404]});
  for (const path of ['/', '/users', '/users/ana', '/history', '/signin', '/nowhere']) {
    const headers = (await page.goto(path)).headers();
    const policy = headers['content-security-policy'];
    assert.match(policy, /default-src 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/, path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    const inline = await page.locator('script:not([src]), style, [style], [onclick], [onload]').count();
    assert.equal(inline, 0, `${path}: scripts or styles in the page itself`);
  }
});

// The numbers that the pages are held to, measured and printed.
import assert from 'node:assert/strict';
import {performance} from 'node:perf_hooks';
import {address, story} from './people.js';

const KB = 1024;
const median = all => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

/** What a visit of a page takes over the wire, with the heads of answers. */
async function transferred(page, visit) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  let bytes = 0;
  devtools.on('Network.loadingFinished', event => { bytes += event.encodedDataLength; });
  await visit();
  await page.waitForLoadState('load');
  await devtools.detach();
  return bytes;
}

story('the dashboard’s size and its first paint', async person => {
  const page = await person('viewer');
  // Signing in came by the dashboard: what it left in the cache is dropped.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.clearBrowserCache');
  await page.goto('about:blank');
  const first = await transferred(page, () => page.goto('/'));
  const paints = [];
  let later = 0;
  for (let i = 0; i < 5; i++) {
    await page.goto('about:blank');
    later = await transferred(page, () => page.goto('/'));
    const paint = await page.evaluate(() => new Promise(resolve => {
      new PerformanceObserver(list => {
        for (const entry of list.getEntriesByName('first-contentful-paint')) resolve(entry.startTime);
      }).observe({type: 'paint', buffered: true});
    }));
    paints.push(paint);
  }
  console.log(`dashboard: ${(first / KB).toFixed(1)} KB at the first visit, ${(later / KB).toFixed(1)} KB later, first contentful paint after ${median(paints).toFixed(0)} ms`);
  assert.ok(first <= 60 * KB, `the first visit takes ${first} bytes`);
  assert.ok(later <= 15 * KB, `a later visit takes ${later} bytes`);
});

story('how long the server takes', async person => {
  const page = await person('admin');
  const cookies = (await page.context().cookies()).map(cookie => `${cookie.name}=${cookie.value}`).join('; ');
  for (const path of ['/', '/users', '/users?q=user', '/users/ana', '/contents', '/history', '/audit']) {
    const took = [];
    for (let i = 0; i < 15; i++) {
      const begun = performance.now();
      const answer = await fetch(address + path, {headers: {Cookie: cookies}});
      took.push(performance.now() - begun);
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
    }
    console.log(`${path}: ${median(took).toFixed(1)} ms until the answer begins, in the median`);
  }
});

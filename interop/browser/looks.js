// How pages look, light and dark, from a telephone to a wall: axe finds nothing, and
// the page doesn't scroll sideways. A screenshot of each is kept.
import assert from 'node:assert/strict';
import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import axe from 'axe-core';
import {endSession, story} from './people.js';

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
async function look(page, name, at) {
  await mkdir(shots, {recursive: true});
  await page.evaluate(axe.source);
  const findings = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});
    for (const width of at) {
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

/**
 * Looks at pages by name: whose, where, in which language, what is done there before
 * it is looked at, and at which widths there is such a state, where not at all.
 */
export function looks(pages) {
  for (const [name, {role, path: where, statuses, locale, act, at = widths}] of Object.entries(pages)) {
    story(`looks: ${name}`, async person => {
      const page = await person(role, {statuses, locale, viewport: {width: at === widths ? 1280 : at[0], height: 900}});
      await page.goto(typeof where === 'function' ? await where() : where);
      await act?.(page);
      await look(page, name, at);
      // A file that waits to be imported goes with its session, and few may wait.
      if (where === '/users/import') await endSession(page);
    });
  }
}

// The console for everybody: by keyboard alone, on a phone, in the dark, read aloud.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { launch, shot } from './support/browser.mjs';
import { answer, choose, paste, press, ROUTES, visit } from './support/console.mjs';
import { run, TOP } from './support/servers.mjs';

const AXE = readFileSync(join(TOP, 'tests/browser/node_modules/axe-core/axe.min.js'), 'utf8');
const [PUBLIC, PROTECTED, ADMIN] = ROUTES['hello-world'];

let api;
let browser;

before(async () => {
  api = await run();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await api?.stop();
});

// What axe-core finds against the page as it is now. Every rule counts, best practices
// too; the page's policy does not hold for what a debugger evaluates.
async function violations(page) {
  await page.evaluate(AXE);
  const { violations: found, passes } = await page.evaluate(() => window.axe.run(document));
  assert.ok(passes.length > 20, 'axe-core has looked at next to nothing');
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 320]) {
    test(`axe-core finds nothing at ${width} pixels in the ${colorScheme} theme`, async () => {
      const { page, problems, context } = await visit(browser, api.url, {
        colorScheme, viewport: { width, height: 800 } });
      assert.deepEqual(await violations(page), []);
      await shot(page, `console-${colorScheme}-${width}-start`);
      await choose(page, 'Expired token');
      await press(page, ADMIN);
      assert.deepEqual(await violations(page), []);
      await shot(page, `console-${colorScheme}-${width}-refused`);
      await paste(page, 'opaque');
      await press(page, PUBLIC);
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
}

test('nothing is wider than the window, on no phone and on no desk', async () => {
  const { page, context } = await visit(browser, api.url);
  await choose(page, 'Expired token');
  await press(page, ADMIN);
  await page.getByRole('button', { name: 'Change one character of the signature' }).click();
  for (const width of [320, 380, 600, 896, 1280, 2000]) {
    await page.setViewportSize({ width, height: 800 });
    const sideways = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    assert.ok(sideways <= 0, `${sideways} pixels too wide for ${width}`);
    await shot(page, `console-width-${width}`);
  }
  await context.close();
});

test('axe-core sees a control without a name and a pale text', async () => {
  const { page, context } = await visit(browser, api.url);
  await page.evaluate(() => {
    document.querySelector('#break').textContent = '';
    document.querySelector('#break').disabled = false;
    document.querySelector('#summary').style.color = 'rgb(200, 200, 200)';
  });
  const found = (await violations(page)).join('\n');
  assert.match(found, /button-name/);
  assert.match(found, /color-contrast/);
  await context.close();
});

// The element that has the focus, by what a person would call it.
const focus = (page) => page.evaluate(() => {
  const { activeElement: one } = document;
  return one.labels?.[0]?.textContent ?? (one.getAttribute('aria-label') || one.textContent.trim());
});

async function tabTo(page, name) {
  for (let presses = 0; presses < 30; presses += 1) {
    if (await focus(page) === name) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`no way to ${name} by the Tab key; the focus is at ${await focus(page)}`);
}

test('everything is done by keyboard alone, and the focus stays where it was', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  await page.keyboard.press('Tab');
  assert.equal(await focus(page), 'Skip to the answer');
  await page.keyboard.press('Tab');
  assert.equal(await focus(page), 'No token');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focus(page), 'Development token');
  await tabTo(page, `GET ${ADMIN}`);
  await page.keyboard.press('Enter');
  assert.match((await answer(page, 1)).status, /^403/);
  assert.equal(await focus(page), `GET ${ADMIN}`);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space');
  assert.match((await answer(page, 2)).status, /^200/);
  await tabTo(page, 'Request as a curl line');
  await tabTo(page, 'Body of the answer');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.match((await answer(page, 1)).status, /^403/);
  await tabTo(page, 'Claims of the token');
  assert.deepEqual(problems, []);
  await context.close();
});

test('on a phone the answer comes into sight, and the button keeps the focus', async () => {
  const { page, context } = await visit(browser, api.url, { viewport: { width: 320, height: 568 } });
  await press(page, PUBLIC);
  assert.equal(await focus(page), `GET ${PUBLIC}`);
  const inSight = (id) => page.locator(id).evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  assert.ok(await inSight('#status'));
  assert.ok(!await inSight('#title')); // it had to move for that
  await context.close();
});

test('the button that spoils a token leaves the focus at work', async () => {
  const { page, context } = await visit(browser, api.url);
  await choose(page, 'Development token');
  await tabTo(page, 'Change one character of the signature');
  await page.keyboard.press('Enter');
  assert.equal(await focus(page), 'Change one character of the signature');
  assert.ok(await page.getByRole('radio', { name: 'A token to paste' }).isChecked());
  await context.close();
});

test('what has the focus can be seen', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { page, context } = await visit(browser, api.url, { colorScheme });
    for (const name of ['Skip to the answer', 'No token', `GET ${PUBLIC}`]) {
      await tabTo(page, name);
      const outline = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return `${outlineStyle} ${outlineWidth}`;
      });
      assert.equal(outline, 'solid 3px', name);
      const box = await page.evaluate(() => document.activeElement.getBoundingClientRect().toJSON());
      assert.ok(box.left >= 0 && box.width > 0, name);
    }
    await shot(page, `console-focus-${colorScheme}`);
    await context.close();
  }
});

test('an answer is announced, once, and names what was asked', async () => {
  const { page, context } = await visit(browser, api.url);
  const said = await page.evaluate(() => {
    window.announced = [];
    const region = document.querySelector('#status');
    new MutationObserver(() => window.announced.push(region.textContent))
      .observe(region, { childList: true, characterData: true, subtree: true });
    return region.getAttribute('role');
  });
  assert.equal(said, 'status');
  await press(page, PROTECTED);
  const announced = await page.evaluate(() => window.announced);
  assert.equal(announced.length, 2);
  assert.match(announced[0], /^Asking for/);
  assert.match(announced[1], /^401 Unauthorized for \/api\/messages\/protected/);
  await context.close();
});

test('a second that passes replaces the text that tells of it alone', async () => {
  const { page, context } = await visit(browser, api.url);
  await choose(page, 'Expired token'); // "1 hour 12 seconds ago": it changes each second
  await page.locator('#checks [data-check="Signature"][data-verdict="pass"]').waitFor();
  const changed = await page.evaluate(() => new Promise((resolve) => {
    new MutationObserver((records) => resolve(records.flatMap(({ addedNodes }) => [...addedNodes]
      .map((node) => node.dataset.check)))).observe(document.querySelector('#checks'), { childList: true });
  }));
  assert.deepEqual(changed.filter((name) => !['Expires', 'Issued'].includes(name)), []);
  assert.ok(changed.includes('Expires'));
  await context.close();
});

test('nothing moves for a person who asked for less motion', async () => {
  for (const [reducedMotion, expected] of [['reduce', '0s'], ['no-preference', '0.15s, 0.15s']]) {
    const { page, context } = await visit(browser, api.url, { reducedMotion });
    const duration = await page.getByRole('button', { name: `GET ${PUBLIC}` })
      .evaluate((button) => getComputedStyle(button).transitionDuration);
    assert.equal(duration, expected);
    await context.close();
  }
});

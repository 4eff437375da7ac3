// Who may have the development tokens: the console itself, and no other page of the
// browser that it is open in.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

import { launch, open } from './support/browser.mjs';
import { visit } from './support/console.mjs';
import { run, site } from './support/servers.mjs';

let api;
let browser;
let folder;
let stranger; // a page on localhost, at another port
let client; // and one at the origin that may call the API

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth0-jwt-pages-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Another page</title>');
  stranger = await site(0, { '/': join(folder, 'index.html') });
  client = await site(0, { '/': join(folder, 'index.html') });
  api = await run({ CLIENT_ORIGIN_URL: client.url });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await api?.stop();
  await client?.stop();
  await stranger?.stop();
  rmSync(folder, { recursive: true });
});

// What a script of this page gets from there: a status, or the name of the error.
const fetched = (page, address, options = {}) => page.evaluate(
  ([url, more]) => fetch(url, more).then((got) => got.text().then((text) => [got.status, text]))
    .catch((error) => [error.name, '']), [address, options]);

test('the console itself gets the tokens', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  const [status, text] = await fetched(page, '/console-tokens.json');
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).length, 4);
  assert.deepEqual(problems, []);
  await context.close();
});

test('no other page gets them, not even the client that may call the API', async () => {
  for (const one of [stranger, client]) {
    const { page, context } = await open(browser);
    await page.goto(one.url);
    for (const options of [{}, { credentials: 'include' }, { headers: { Authorization: 'x' } }]) {
      const [, text] = await fetched(page, `${api.url}/console-tokens.json`, options);
      assert.ok(!text.includes('eyJ'), text);
    }
    const asScript = await page.evaluate((address) => new Promise((resolve) => {
      const script = document.createElement('script');
      script.onload = () => resolve('loaded');
      script.onerror = () => resolve('refused');
      script.src = address;
      document.head.append(script);
    }), `${api.url}/console-tokens.json`);
    assert.equal(asScript, 'refused');
    await context.close();
  }
  const { page, context } = await open(browser);
  await page.goto(client.url); // the same page may call the API
  assert.equal((await fetched(page, `${api.url}/api/messages/public`))[0], 200);
  await context.close();
});

test('a name that someone else leads here gets no tokens', async () => {
  for (const name of ['evil.example.com', 'other.localhost']) {
    const { page, context } = await visit(browser, `http://${name}:${api.port}/`, {
      expected: () => true });
    assert.equal((await fetched(page, '/console-tokens.json'))[0], 403);
    assert.equal(await page.getByRole('radio').count(), 2);
    await page.getByText(`only for http://localhost:${api.port}`).waitFor();
    await context.close();
  }
});

test('the addresses of this computer itself get them', async () => {
  const six = Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1');
  for (const name of ['127.0.0.1', ...(six ? ['[::1]'] : [])]) {
    const { page, problems, context } = await visit(browser, `http://${name}:${api.port}/`);
    assert.equal(await page.getByRole('radio').count(), 6, name);
    assert.deepEqual(problems, []);
    await context.close();
  }
});

test('a request from the network gets none, whatever it claims', async (t) => {
  const outside = Object.values(networkInterfaces()).flat()
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (!outside) {
    t.skip('this computer has no address but loopback');
    return;
  }
  const ask = (address) => execFileSync('curl', ['-q', '-s', '--noproxy', '*', '-o', '/dev/null',
    '-w', '%{http_code}', '-H', `Host: localhost:${api.port}`, '-H', 'Sec-Fetch-Site: same-origin',
    `http://${address}:${api.port}/console-tokens.json`], { encoding: 'utf8' });
  assert.equal(ask(outside.address), '403');
  assert.equal(ask('127.0.0.1'), '200');
});

test('no page shows the console in a frame', async () => {
  const { page, context } = await open(browser);
  await page.goto(stranger.url);
  await page.evaluate((address) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = resolve;
    frame.src = address;
    document.body.append(frame);
  }), api.url);
  assert.equal(await page.frames()[1].getByRole('radio').count(), 0);
  assert.notEqual(page.frames()[1].url(), `${api.url}/`);
  await context.close();
});

test('the policy is in force: neither an inline script nor a foreign picture is loaded', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  const blocked = await page.evaluate((address) => new Promise((resolve) => {
    const directives = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
      directives.push(effectiveDirective);
      if (directives.length === 2) {
        resolve(directives);
      }
    });
    const script = document.createElement('script');
    script.textContent = 'document.title = "inline"';
    const picture = new Image();
    picture.src = `${address}/picture.png`;
    document.body.append(script, picture);
  }), stranger.url);
  assert.deepEqual(blocked.sort(), ['img-src', 'script-src-elem']);
  assert.equal(await page.title(), 'The Hello World API: console');
  assert.ok(problems.some((one) => one.includes('policy: ')), 'a violation was not noted');
  await context.close();
});

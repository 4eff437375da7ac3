// The samples' own story: a page on http://localhost:4040 with Auth0's SDK logs its user
// in at a real OpenID provider and calls the Hello World API, which is at another origin.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { launch, open, refusal, shot } from './support/browser.mjs';
import { certificate, freePort, provider, run, site, TOP } from './support/servers.mjs';

const AUDIENCE = 'https://hello-world.example.com';
const CLIENT = 'single-page-client';
const PASSWORD = 'only for these tests';
const PLAIN = {
  username: 'plain@example.com', password: PASSWORD, sub: 'auth0|plain', permissions: [],
};
const ADMIN = {
  username: 'admin@example.com', password: PASSWORD, sub: 'auth0|admin',
  permissions: ['read:admin-messages'],
};
const MESSAGES = {
  public: "public: 200 The API doesn't require an access token to share this message.",
  protected: 'protected: 200 The API successfully validated your access token.',
  admin: 'admin: 200 The API successfully recognized you as an admin.',
};
const SDK = 'tests/browser/node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js';
// The samples' origin is the default of CLIENT_ORIGIN_URL, which run takes when that is
// empty. Where something else is there already, the page is at another port.
const USUAL_PORT = 4040;

let tls;
let tenant;
let api;
let spa;
let stranger;
let browser;

before(async () => {
  tls = certificate();
  const port = await freePort(USUAL_PORT);
  const origin = `http://localhost:${port}`;
  tenant = await provider(tls, {
    audiences: [AUDIENCE],
    clients: [{ client_id: CLIENT, origin }],
    users: [PLAIN, ADMIN],
  });
  api = await run({
    AUTH0_DOMAIN: tenant.domain, AUTH0_AUDIENCE: AUDIENCE, AUTH0_CA_FILE: tls.cert,
    CLIENT_ORIGIN_URL: port === USUAL_PORT ? '' : origin,
  });
  const files = {
    '/': join(TOP, 'tests/browser/spa/index.html'),
    '/app.js': join(TOP, 'tests/browser/spa/app.js'),
    '/app.css': join(TOP, 'tests/browser/spa/app.css'),
    '/auth0-spa-js.js': join(TOP, SDK),
    '/settings.json': { domain: tenant.domain, clientId: CLIENT, audience: AUDIENCE, api: api.url },
  };
  spa = await site(port, files);
  stranger = await site(0, files);
  browser = await launch(`--ignore-certificate-errors-spki-list=${tls.spki}`);
});

after(async () => {
  await browser?.close();
  await stranger?.stop();
  await spa?.stop();
  await api?.stop();
  await tenant?.stop();
  tls?.remove();
});

async function visit(url, expected = refusal) {
  const opened = await open(browser, { expected, viewport: { width: 900, height: 640 } });
  await opened.page.goto(url);
  await opened.page.locator('[data-ready]').waitFor();
  return opened;
}

async function logIn(page, { username, password }) {
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByLabel('Email address').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Continue' }).click();
}

const isLoggedInAs = (page, { username }) => page.getByText(`Logged in as ${username}`).waitFor();

// Press a call and say what the page then shows about it.
async function message(page, name) {
  await page.getByRole('button', { name, exact: false }).click();
  const shown = page.locator('#message', { hasText: `${name}:` });
  await shown.waitFor();
  return shown.textContent();
}

test('logged out, the page gets the public message and no other', async () => {
  const { page, problems, context } = await visit(spa.url);
  await page.getByText('Logged out').waitFor();
  assert.equal(await message(page, 'public'), MESSAGES.public);
  assert.equal(await message(page, 'protected'), 'protected: 401 Requires authentication');
  await shot(page, 'story-logged-out');
  assert.equal(await message(page, 'admin'), 'admin: 401 Requires authentication');
  assert.deepEqual(problems, []);
  await context.close();
});

test('a plain user logs in and gets all but the admin message', async () => {
  const { page, problems, context } = await visit(spa.url);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByLabel('Password').waitFor();
  await shot(page, 'story-login');
  await page.goBack();
  await logIn(page, PLAIN);
  await isLoggedInAs(page, PLAIN);
  assert.equal(await message(page, 'public'), MESSAGES.public);
  assert.equal(await message(page, 'protected'), MESSAGES.protected);
  assert.equal(await message(page, 'admin'), 'admin: 403 Permission denied');
  await shot(page, 'story-plain-user');
  assert.deepEqual(problems, []);
  await context.close();
});

test('a user with the admin role gets every message', async () => {
  const { page, problems, context } = await visit(spa.url);
  await logIn(page, ADMIN);
  await isLoggedInAs(page, ADMIN);
  for (const name of ['public', 'protected', 'admin']) {
    assert.equal(await message(page, name), MESSAGES[name]);
  }
  await shot(page, 'story-admin');
  assert.deepEqual(problems, []);
  await context.close();
});

test('a wrong password gives no session', async () => {
  const { page, context } = await visit(spa.url);
  await logIn(page, { ...ADMIN, password: 'a guess' });
  await page.getByText('Wrong email address or password.').waitFor();
  await page.goto(spa.url);
  await page.getByText('Logged out').waitFor();
  assert.equal(await message(page, 'protected'), 'protected: 401 Requires authentication');
  await context.close();
});

// The SDK asks the provider in a hidden frame, which gets the session's cookie only from
// browsers that send cookies to other sites' frames. Others log in by a click.
test('after a reload nobody types a password again, though the token was in memory alone', async () => {
  const silent = (problem) => refusal(problem) || /status of 400 .*[?&]prompt=none&/.test(problem);
  const { page, problems, context } = await visit(spa.url, silent);
  await logIn(page, ADMIN);
  await isLoggedInAs(page, ADMIN);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })
    + document.cookie + window.location.href);
  assert.doesNotMatch(kept, /eyJ/);
  await page.reload();
  await page.locator('[data-ready]').waitFor();
  if (await page.getByText('Logged out').isVisible()) {
    assert.equal(await message(page, 'admin'), 'admin: 401 Requires authentication');
    await page.getByRole('button', { name: 'Log in' }).click();
  }
  await isLoggedInAs(page, ADMIN);
  assert.equal(await message(page, 'admin'), MESSAGES.admin);
  assert.deepEqual(problems, []);
  await context.close();
});

test('logging out ends the session at the provider too', async () => {
  const { page, problems, context } = await visit(spa.url);
  await logIn(page, PLAIN);
  await isLoggedInAs(page, PLAIN);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('Logged out').waitFor();
  await page.reload();
  await page.getByText('Logged out').waitFor();
  assert.equal(await message(page, 'protected'), 'protected: 401 Requires authentication');
  assert.deepEqual(problems, []);
  await context.close();
});

test('a page of another origin cannot read what the API answers', async () => {
  const { page, problems, context } = await visit(stranger.url, () => false);
  for (const name of ['public', 'protected']) {
    assert.equal(await message(page, name), `${name}: the browser does not let this page read the answer`);
  }
  assert.ok(problems.some((problem) => /blocked by CORS policy/.test(problem)), String(problems));
  await shot(page, 'story-another-origin');
  await context.close();
});

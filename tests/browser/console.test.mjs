// The console that run serves at /: every call with every token, and what the page says.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, LIMIT, open, shot } from './support/browser.mjs';
import {
  answer, check, choose, paste, press, ROUTES, summary, visit,
} from './support/console.mjs';
import {
  certificate, developmentTokens, mint, provider, run,
} from './support/servers.mjs';

const AUDIENCE = 'https://hello-world.example.com';
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

const own = (...more) => mint('--iss', `${api.url}/`, '--aud', api.url, '--sub', 'auth0|1', ...more);

// The status of the three calls with each choice, and what the challenge says.
const OUTCOMES = {
  'No token': [[200, 401, 401], 'scheme Bearer realm api'],
  'Development token': [[200, 200, 403], 'error insufficient_scope'],
  'Development token with GRANT': [[200, 200, 200], 'None.'],
  'Expired token': [[200, 401, 401], 'error_description The access token has expired'],
  'Token for another audience': [[200, 401, 401],
    'error_description The access token is for another audience'],
  'A token to paste': [[200, 401, 401], 'error_description The access token is malformed'],
};

for (const [conf, grant] of [
  ['hello-world', 'read:admin-messages'], ['quickstart', 'read:messages']]) {
  test(`every call of ${conf} has its outcome with every choice of token`, async () => {
    const server = conf === 'hello-world' ? api : await run({ CONF: conf });
    try {
      const { page, problems, context } = await visit(browser, server.url);
      for (const [name, [statuses, told]] of Object.entries(OUTCOMES)) {
        const choice = name.replace('GRANT', grant);
        await (choice === 'A token to paste' ? paste(page, 'opaque') : choose(page, choice));
        for (const [number, path] of ROUTES[conf].entries()) {
          const shown = await press(page, path);
          assert.match(shown.status, new RegExp(`^${statuses[number]} [A-Z].* for ${path} in \\d+ ms$`));
          assert.match(shown.body, /"message": "[A-Z]/);
          if (number === 2) {
            assert.ok(shown.challenge.includes(told), `${choice}: ${shown.challenge}`);
          }
        }
      }
      assert.equal(await page.locator('#history li').count(), 18);
      assert.deepEqual(problems, []);
      await context.close();
    } finally {
      await (server === api || server.stop());
    }
  });
}

test('a refusal is taken apart: status, challenge, body, request and the failing check', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  await choose(page, 'Development token');
  const shown = await press(page, ADMIN);
  assert.match(shown.status, /^403 Forbidden/);
  assert.equal(shown.challenge, 'scheme Bearer realm api error insufficient_scope '
    + 'error_description The access token does not grant a required permission '
    + 'scope read:admin-messages');
  assert.deepEqual(JSON.parse(shown.body), {
    error: 'insufficient_scope',
    error_description: 'The access token does not grant a required permission',
    message: 'Permission denied',
  });
  assert.equal(shown.curl, `curl -i -H 'Authorization: Bearer eyJhbGciOi…' ${api.url}${ADMIN}`);
  assert.match(await summary(page), /will accept this token\. It does not grant what .*admin needs/);
  assert.match((await check(page, 'Permission')).text, /not granted .* answers 403/);
  assert.match((await check(page, 'Server')).text, /403 Forbidden at .*required permission/);
  await shot(page, 'console-forbidden');
  assert.deepEqual(problems, []);
  await context.close();
});

test('an earlier call is shown again from the list', async () => {
  const { page, context } = await visit(browser, api.url);
  const first = await press(page, PUBLIC);
  const second = await press(page, PROTECTED);
  assert.notDeepEqual(first, second);
  await page.getByRole('button', { name: `200 OK ${PUBLIC}` }).click();
  assert.deepEqual(await answer(page, 1), first);
  await context.close();
});

test('each development token is explained, and the server agrees', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  for (const [name, failing] of [
    ['Development token with read:admin-messages', null], ['Expired token', 'Expires'],
    ['Token for another audience', 'Audience']]) {
    await choose(page, name);
    await page.locator('#checks [data-check="Signature"][data-verdict="pass"]').waitFor();
    assert.match(await summary(page), failing ? new RegExp(`refuse.*: ${failing}\\.`) : /will accept/);
    const failed = page.locator('#checks [data-verdict="fail"]');
    assert.equal(await failed.count(), failing ? 1 : 0);
    assert.match((await press(page, ADMIN)).status, failing ? /^401/ : /^200/);
    await shot(page, `console-${name.split(' ').slice(0, 3).join('-').toLowerCase()}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
});

test('a spoiled token is refused for its signature, in the page and by the server', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  for (const [button, said] of [
    ['Change one character of the signature', /first character of the signature/],
    ['Write read:admin-messages into it', /Written into the claims/]]) {
    await choose(page, 'Development token');
    await page.getByRole('button', { name: button }).click();
    assert.match(await page.locator('#note').innerText(), said);
    await page.locator('#checks [data-check="Signature"][data-verdict="fail"]').waitFor();
    const shown = await press(page, ADMIN);
    assert.match(shown.status, /^401/);
    assert.match(shown.challenge, /error_description The access token has an invalid signature/);
  }
  await shot(page, 'console-forged');
  assert.deepEqual(problems, []);
  await context.close();
});

test('what is pasted beside a token, or instead of one, is recognised', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  await paste(page, `Authorization: Bearer ${own()}\n`);
  assert.match(await page.locator('#note').innerText(), /Bearer in front was taken away/);
  assert.match((await press(page, PROTECTED)).status, /^200/);
  await paste(page, 'abcdef');
  assert.match(await summary(page), /request the token with audience/);
  await paste(page, own('--claim', 'nonce="n"', '--claim', 'aud="the client"'));
  assert.match(await summary(page), /looks like an ID token/);
  await shot(page, 'console-id-token');
  await paste(page, 'a\u2026b');
  await page.getByRole('button', { name: `GET ${PROTECTED}` }).click();
  assert.match(await page.locator('#status').innerText(), /^Not sent/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('what a token or an answer says stays text', async () => {
  const { page, problems, context } = await visit(browser, api.url);
  const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const hostile = ['sub', 'iss'].flatMap((name) => ['--claim', `${name}=${JSON.stringify(markup)}`]);
  await paste(page, own(...hostile));
  assert.match((await check(page, 'User')).text, /<img src=x onerror=alert\(1\)>/);
  assert.match((await press(page, PROTECTED)).status, /^401/);
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test('an expiry is said in words that go with the time', async () => {
  const { page, context } = await open(browser);
  await page.clock.install();
  await page.goto(api.url);
  await paste(page, own('--expires-in', '90'));
  const item = page.locator('#checks [data-check="Expires"]');
  await item.filter({ hasText: /in 1 minute( \d+ seconds?)?/ }).waitFor();
  assert.equal(await item.getAttribute('data-verdict'), 'pass');
  await page.clock.fastForward(200_000);
  await item.filter({ hasText: /1 minute \d+ seconds? ago/ }).waitFor();
  assert.equal(await item.getAttribute('data-verdict'), 'fail');
  await context.close();
});

test('a token is in no address, no storage and no page that is opened later', async () => {
  const { page, problems, context, addresses } = await visit(browser, api.url);
  const token = own('--claim', 'marker="unique"');
  await paste(page, token);
  await press(page, ADMIN);
  await press(page, PROTECTED);
  const kept = await page.evaluate(async () => JSON.stringify([
    { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state,
    await indexedDB.databases(), await caches.keys(), performance.getEntries().map(({ name }) => name),
  ]));
  for (const [place, text] of [['storage', kept], ['addresses', addresses.join(' ')],
    ['the curl line', await page.locator('#curl').innerText()]]) {
    assert.ok(!text.includes(token.slice(20, 60)), place);
  }
  await page.reload();
  await page.getByRole('button', { name: `GET ${PUBLIC}` }).waitFor();
  assert.equal(await page.locator('#token').inputValue(), '');
  assert.ok(await page.getByRole('radio', { name: 'No token' }).isChecked());
  assert.deepEqual(problems, []);
  await context.close();
});

test('a server that is gone is said so, and the page works again when it is back', async () => {
  const server = await run();
  const lost = (problem) => /ERR_CONNECTION_REFUSED/.test(problem);
  const { page, problems, context } = await visit(browser, server.url, { expected: lost });
  let again;
  try {
    await choose(page, 'Development token');
    await server.stop();
    const shown = await press(page, PROTECTED);
    assert.match(shown.status, /^No answer\. Does the server still run\?/);
    assert.match((await check(page, 'Server')).text, /Not asked yet/);
    await shot(page, 'console-server-gone');
    again = await run({ PORT: String(server.port) });
    assert.match((await press(page, PROTECTED)).status, /^200/);
    assert.deepEqual(problems, []);
  } finally {
    await server.stop();
    await again?.stop();
    await context.close();
  }
});

test('with a tenant there are no development tokens, and the signature is left to the server', async () => {
  const tls = certificate();
  const tenant = await provider(tls, {
    audiences: [AUDIENCE], clients: [{ client_id: 'program', client_secret: 'secret' }],
  });
  const server = await run({
    AUTH0_DOMAIN: tenant.domain, AUTH0_AUDIENCE: AUDIENCE, AUTH0_CA_FILE: tls.cert });
  try {
    const { page, problems, context } = await visit(browser, server.url);
    assert.deepEqual(await page.getByRole('radio').evaluateAll((all) => all.map(
      (one) => one.labels[0].textContent)), ['No token', 'A token to paste']);
    const trust = await page.locator('#trust').innerText();
    assert.ok(trust.includes(tenant.issuer) && trust.includes(AUDIENCE), trust);
    await paste(page, await tenant.token('program', 'secret', AUDIENCE));
    assert.equal((await check(page, 'Signature')).verdict, 'server');
    assert.match(await summary(page), /Only the server can check: Key, Signature\./);
    assert.match((await press(page, PROTECTED)).status, /^200/);
    assert.match((await check(page, 'Server')).text, /accepts this token/);
    assert.match((await press(page, ADMIN)).status, /^403/);
    await shot(page, 'console-tenant');
    assert.deepEqual(problems, []);
    const refused = await fetch(`${server.url}/console-tokens.json`, {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });
    assert.equal(refused.status, 404);
    assert.equal((await developmentTokens(api)).length, 4); // its twin has them
    await context.close();
  } finally {
    await server.stop();
    await tenant.stop();
    tls.remove();
  }
});

test('without JavaScript the page says what to do', async () => {
  const { page, context } = await open(browser, { javaScriptEnabled: false });
  await page.goto(api.url);
  await page.getByText('This page needs JavaScript').waitFor({ timeout: LIMIT });
  await context.close();
});

// conf/console/console-token.mjs: what the console says of a token, without a browser; and
// whether the server, who alone decides, says the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import '../provider/older-node.mjs';
import {
  advice, breakSignature, challenge, checks, curlLine, forge, isSendable, read, tidy, verify, words,
} from '../../conf/console/console-token.mjs';
import { mint, run } from './support/servers.mjs';

const NOW = 1_800_000_000;
const ADMIN = { path: '/api/messages/admin', needs: 'permission', name: 'read:admin-messages' };
const FACTS = {
  issuer: 'https://tenant.example.com/',
  audience: 'https://api.example.com',
  routes: [{ path: '/api/messages/public', needs: 'nothing' }, ADMIN],
};
const GOOD = {
  iss: FACTS.issuer, aud: FACTS.audience, sub: 'auth0|1', iat: NOW - 60, exp: NOW + 3600,
  permissions: ['read:admin-messages'],
};
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  .toString('base64url');
const tokenOf = (claims = GOOD, header = { alg: 'RS256', typ: 'JWT', kid: 'one' }) => (
  `${encode(header)}.${encode(claims)}.c2lnbmF0dXJl`);
const failing = (rows) => rows.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
const row = (rows, name) => rows.find((one) => one.name === name);

test('what is pasted around a token is taken away, and said', () => {
  for (const [text, token, said] of [
    [' a.b.c\n', 'a.b.c', /^$/],
    ['Bearer a.b.c', 'a.b.c', /Bearer/],
    ['Authorization: bearer   a.b.c', 'a.b.c', /Bearer/],
    ['a.b\n  .c', 'a.b.c', /line breaks/],
    ['{"access_token": "a.b.c", "token_type": "Bearer"}', 'a.b.c', /access_token/],
    ['{"error": "access_denied"}', '{"error": "access_denied"}', /^$/],
    ['{not json', '{not json', /^$/],
    ['a b', 'a b', /^$/],
  ]) {
    assert.equal(tidy(text).token, token);
    assert.match(tidy(text).note, said);
  }
});

test('what no header can carry is told from what one can', () => {
  assert.ok(isSendable('a.b.c') && isSendable('') && isSendable('caf\u00e9'));
  assert.ok(!isSendable('a.b.c\u2026') && !isSendable('a\u0000b'));
});

test('what is no signed token is recognised, with advice where it is a common mistake', () => {
  for (const [token, kind, problem, advised] of [
    ['', 'none', undefined, /^$/],
    ['abcdef', 'opaque', /no dots/, /audience https:\/\/api\.example\.com/],
    ['a.b', 'opaque', /2 parts/, /audience/],
    ['a.b.c.d.e', 'encrypted', /encrypted/, /encryption off/],
    [`${encode('no')}.${encode(GOOD)}.AA`, 'broken', /header is not JSON/, /^$/],
    [`${encode('[]')}.${encode(GOOD)}.AA`, 'broken', /header is not a JSON object/, /^$/],
    [`${encode({})}.${encode('null')}.AA`, 'broken', /claims is not a JSON object/, /^$/],
    [`${encode({})}.=.AA`, 'broken', /claims is not base64url/, /^$/],
    [`${encode({})}.${encode({})}.`, 'broken', /signature is missing/, /^$/],
    [`${encode({})}.${encode({})}.A`, 'broken', /signature is not base64url/, /^$/],
    [`a.b.${'c'.repeat(8189)}`, 'broken', /longer than 8192/, /^$/],
  ]) {
    const reading = read(token);
    assert.equal(reading.kind, kind, token);
    if (problem) {
      assert.match(reading.problem, problem);
      assert.deepEqual(failing(checks(reading, FACTS, NOW)), ['Form']);
    }
    assert.match(advice(reading, FACTS.audience), advised);
  }
  assert.equal(read(tokenOf()).kind, 'jwt');
});

test('an ID token is recognised by what only those have', () => {
  const id = { ...GOOD, aud: 'client-id', nonce: 'n' };
  const reading = read(tokenOf(id));
  assert.match(advice(reading, FACTS.audience), /ID token/);
  assert.match(row(checks(reading, FACTS, NOW), 'Audience').why, /ID token/);
  assert.equal(advice(read(tokenOf()), FACTS.audience), '');
});

test('a good token fails no check, and what only the server knows is left to it', () => {
  const rows = checks(read(tokenOf()), FACTS, NOW);
  assert.deepEqual(failing(rows), []);
  assert.deepEqual(rows.filter(({ verdict }) => verdict === 'server').map(({ name }) => name),
    ['Key', 'Signature']);
  assert.equal(row(rows, 'Expires').found, 'in 1 hour');
});

test('each claim that is wrong fails its own check and no other', () => {
  for (const [name, claims, header] of [
    ['Issuer', { ...GOOD, iss: 'https://tenant.example.com' }],
    ['Audience', { ...GOOD, aud: 'https://other.example.com' }],
    ['Audience', { ...GOOD, aud: undefined }],
    ['Audience', { ...GOOD, aud: [FACTS.audience, 1] }],
    ['Expires', { ...GOOD, exp: NOW - 5 }],
    ['Expires', { ...GOOD, exp: undefined }],
    ['Expires', { ...GOOD, exp: '1900000000' }],
    ['Issued', { ...GOOD, iat: NOW + 6 }],
    ['Issued', { ...GOOD, nbf: NOW + 6 }],
    ['Issued', { ...GOOD, nbf: 'now' }],
    ['User', { ...GOOD, sub: '' }],
    ['User', { ...GOOD, sub: undefined }],
    ['Extensions', { ...GOOD, cnf: {} }],
    ['Algorithm', GOOD, { alg: 'none' }],
    ['Algorithm', GOOD, { alg: 'HS256' }],
    ['Type', GOOD, { alg: 'RS256', typ: 'logout+jwt' }],
    ['Extensions', GOOD, { alg: 'RS256', crit: ['x'] }],
    ['Extensions', GOOD, { alg: 'RS256', cty: 'JWT' }],
  ]) {
    assert.deepEqual(failing(checks(read(tokenOf(claims, header)), FACTS, NOW)), [name]);
  }
});

test('at the edges of the leeway and of the forms nothing fails', () => {
  for (const [claims, header] of [
    [{ ...GOOD, exp: NOW - 4 }], [{ ...GOOD, iat: NOW + 5 }], [{ ...GOOD, iat: undefined }],
    [{ ...GOOD, aud: ['https://other.example.com', FACTS.audience] }],
    [GOOD, { alg: 'RS256' }], [GOOD, { alg: 'RS256', typ: 'at+jwt' }],
    [GOOD, { alg: 'RS256', typ: 'application/AT+JWT' }], [GOOD, { alg: 'RS256', cty: 'text/plain' }],
  ]) {
    assert.deepEqual(failing(checks(read(tokenOf(claims, header)), FACTS, NOW)), []);
  }
});

test('a token without the permission is good for the other routes', () => {
  for (const permissions of [undefined, [], ['read:other'], 'read:admin-messages',
    ['read:admin-messages', 1]]) {
    const rows = checks(read(tokenOf({ ...GOOD, permissions })), FACTS, NOW);
    assert.deepEqual(failing(rows), []);
    assert.equal(row(rows, 'Permission').verdict, 'less');
  }
  const route = { path: '/api/private-scoped', needs: 'scope', name: 'read:messages' };
  const scoped = { ...FACTS, routes: [route] };
  for (const [scope, verdict] of [['openid read:messages', 'pass'], ['read:messagesx', 'less'],
    [['read:messages'], 'less']]) {
    assert.equal(row(checks(read(tokenOf({ ...GOOD, scope })), scoped, NOW), 'Scope').verdict, verdict);
  }
});

test('times are said in two units', () => {
  for (const [seconds, said] of [[0, '0 seconds'], [1, '1 second'], [61.9, '1 minute 1 second'],
    [3600, '1 hour'], [7265, '2 hours 1 minute'], [90000, '1 day 1 hour']]) {
    assert.equal(words(seconds), said);
  }
});

test('a challenge is taken apart, quotes and all', () => {
  assert.deepEqual(challenge('Bearer realm="a \\"b\\", c", error="invalid_token", max=1'), {
    scheme: 'Bearer', parameters: [['realm', 'a "b", c'], ['error', 'invalid_token'], ['max', '1']],
  });
  assert.deepEqual(challenge('Bearer'), { scheme: 'Bearer', parameters: [] });
  assert.equal(challenge(null), null);
});

test('the curl line has the start of the token alone, and quotes nothing away', () => {
  const token = tokenOf();
  const line = curlLine('http://localhost:6060/api', token);
  assert.equal(line, "curl -i -H 'Authorization: Bearer eyJhbGciOi…' http://localhost:6060/api");
  assert.equal(curlLine('http://localhost:6060/api', ''), 'curl -i http://localhost:6060/api');
  assert.equal(curlLine('http://h/', "a'b"), "curl -i -H 'Authorization: Bearer a'\\''b' http://h/");
});

// ------------------------------------------------------------------------------
// The server's word

let api;
let facts;

before(async () => {
  api = await run();
  facts = await (await fetch(`${api.url}/console.json`)).json();
});

after(() => api?.stop());

async function ask(path, token) {
  const answer = await fetch(api.url + path, { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, ...await answer.json() };
}

const grown = (...more) => mint('--iss', facts.issuer, '--aud', facts.audience, '--sub', 'auth0|1', ...more);
const GRANT = ['--permission', 'read:admin-messages'];
const FOREVER = [...GRANT, '--claim', `exp=${2 ** 53}`];

test('what the console expects of a token is what the server does with it', async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = grown(...GRANT);
  const spoiled = read(good);
  for (const [name, token] of Object.entries({
    good,
    'without the permission': grown(),
    'with a permission that is no word': grown('--claim', 'permissions=["read:admin-messages",1]'),
    'that never ends': grown(...FOREVER),
    'for two audiences': grown(...GRANT, '--aud', 'https://other.example.com'),
    'for another audience': mint('--iss', facts.issuer, '--aud', 'x', '--sub', 'u', ...GRANT),
    'of another issuer': mint('--iss', 'https://x.example.com/',
      '--aud', facts.audience, '--sub', 'u'),
    'of the issuer without its slash': mint('--iss', facts.issuer.slice(0, -1),
      '--aud', facts.audience, '--sub', 'u'),
    expired: grown('--expires-in', '-3600'),
    'without an end': grown('--claim', 'exp=null'),
    'from the future': grown('--claim', `iat=${now + 3600}`),
    'that begins later': grown('--claim', `nbf=${now + 3600}`),
    'without a user': mint('--iss', facts.issuer, '--aud', facts.audience, ...GRANT),
    'bound to a key': grown('--claim', 'cnf={}'),
    'of another type': grown('--header', 'typ="logout+jwt"'),
    'of type at+jwt': grown('--header', 'typ="at+jwt"'),
    'with crit': grown('--header', 'crit=["x"]'),
    'with cty JWT': grown('--header', 'cty="JWT"'),
    'with an unknown key': grown('--kid', 'unknown'),
    'with another algorithm': grown('--alg', 'RS384'),
    'with a broken signature': breakSignature(spoiled),
    forged: forge(read(grown()), facts.routes.at(-1)),
    'of two parts': good.split('.').slice(0, 2).join('.'),
    opaque: 'abcdef',
    encrypted: 'a.b.c.d.e',
  })) {
    const reading = read(token);
    const rows = checks(reading, facts, now, await verify(reading, facts.jwks.keys));
    const fails = failing(rows).length > 0;
    const less = rows.some(({ verdict }) => verdict === 'less');
    const here = await ask('/api/messages/protected', token);
    assert.equal(here.status, fails ? 401 : 200, `a token ${name}: ${JSON.stringify([here, rows])}`);
    const there = await ask('/api/messages/admin', token);
    const refusal = fails ? 401 : 403;
    assert.equal(there.status, fails || less ? refusal : 200, `a token ${name}`);
  }
});

test('a spoiled token differs in what was spoiled and is refused for its signature', async () => {
  const token = grown();
  const [head, payload, signature] = token.split('.');
  const broken = breakSignature(read(token));
  assert.equal(broken.slice(0, -signature.length), `${head}.${payload}.`);
  assert.notEqual(broken, token);
  const forged = forge(read(token), facts.routes.at(-1));
  assert.deepEqual(read(forged).claims, { ...read(token).claims, permissions: ['read:admin-messages'] });
  for (const one of [broken, forged]) {
    const { status, error_description: said } = await ask('/api/messages/admin', one);
    assert.deepEqual([status, said], [401, 'The access token has an invalid signature']);
    assert.equal(await verify(read(one), facts.jwks.keys), false);
  }
  assert.equal(await verify(read(token), facts.jwks.keys), true);
  assert.equal(await verify(read(token), undefined), null);
});

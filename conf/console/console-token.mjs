// What can be known of a token without asking the server: its parts, what they say, and
// how they compare with what the API expects. No page, no network, no clock: the time
// comes in as an argument, so that all of it is tested without a browser.

const MAX_TOKEN = 8192; // bytes, as the module
const LEEWAY = 5; // seconds, the default of Auth0Leeway
const DAY = 86400;

// What people paste is not always the token alone: {token, note}. Note says what was
// taken away, and is empty when nothing was.
export function tidy(text) {
  let token = text.trim();
  const notes = [];
  if (token.startsWith('{')) {
    try {
      const { access_token: found } = JSON.parse(token);
      if (typeof found === 'string') {
        token = found.trim();
        notes.push('The access_token was taken out of the JSON.');
      }
    } catch {
      // Not the answer of a token endpoint: leave it as it is.
    }
  }
  const prefix = /^(?:authorization:\s*)?bearer\s+/i.exec(token);
  if (prefix) {
    token = token.slice(prefix[0].length);
    notes.push('The word Bearer in front was taken away.');
  }
  if (/[\r\n]/.test(token)) {
    token = token.replace(/\s*[\r\n]\s*/g, '');
    notes.push('The line breaks were taken away.');
  }
  return { token, note: notes.join(' ') };
}

// Can a browser put this into a header at all?
export function isSendable(token) {
  return /^[\x20-\x7e\x80-\xff\t]*$/.test(token);
}

function bytesOf(part) {
  if (!/^[A-Za-z0-9_-]+$/.test(part) || part.length % 4 === 1) {
    throw new Error('is not base64url');
  }
  const text = atob(part.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function base64url(bytes) {
  const text = String.fromCharCode(...bytes);
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function objectOf(part) {
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(part)));
  } catch (error) {
    throw new Error(error instanceof SyntaxError ? 'is not JSON' : error.message);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error('is not a JSON object');
  }
  return value;
}

// What the token is: {kind, token, problem} with kind none, opaque, encrypted or broken;
// or {kind: 'jwt', token, header, claims, parts}.
export function read(token) {
  if (token === '') {
    return { kind: 'none', token };
  }
  const parts = token.split('.');
  if (parts.length === 5) {
    return { kind: 'encrypted', token, problem: 'Five parts: this token is encrypted.' };
  }
  if (parts.length !== 3) {
    const dots = parts.length === 1 ? 'no dots' : `${parts.length} parts`;
    return { kind: 'opaque', token, problem: `Not a signed token: it has ${dots}.` };
  }
  if (token.length > MAX_TOKEN) {
    return { kind: 'broken', token, problem: `It is longer than ${MAX_TOKEN} bytes.` };
  }
  const found = { kind: 'jwt', token, parts };
  for (const [name, part] of [['header', parts[0]], ['claims', parts[1]]]) {
    try {
      found[name] = objectOf(part);
    } catch (error) {
      return { kind: 'broken', token, problem: `The part with the ${name} ${error.message}.` };
    }
  }
  try {
    bytesOf(parts[2]);
  } catch (error) {
    const problem = parts[2] === '' ? 'The signature is missing.'
      : `The signature ${error.message}.`;
    return { ...found, kind: 'broken', problem };
  }
  return found;
}

const list = (value) => (Array.isArray(value) ? value : [value]);
const isTime = (value) => typeof value === 'number' && value >= 0 && value <= 2 ** 53;

// The words that a claim grants, as the module reads it; none from any other shape.
function granted(claims, needs) {
  if (needs === 'scope') {
    return typeof claims.scope === 'string' ? claims.scope.split(' ').filter(Boolean) : [];
  }
  const { permissions } = claims;
  const sound = Array.isArray(permissions)
    && permissions.every((word) => typeof word === 'string');
  return sound ? permissions : [];
}

const CLAIM = { permission: 'permissions', scope: 'scope' };

// Does this route want more than a valid token?
export const needsGrant = ({ needs }) => needs in CLAIM;

const looksLikeIdToken = (claims) => ['nonce', 'at_hash', 'c_hash', 's_hash'].some(
  (name) => name in claims);

// One sentence of advice for what is commonly sent instead of an access token; or ''.
export function advice(reading, audience) {
  if (reading.kind === 'opaque') {
    return 'Only Auth0 itself can read such a token. Auth0 gives it to clients that ask '
      + `for no audience: request the token with audience ${audience}.`;
  }
  if (reading.kind === 'encrypted') {
    return 'Switch encryption off for this API in the Auth0 dashboard: the server reads '
      + 'signed tokens.';
  }
  if (reading.kind === 'jwt' && looksLikeIdToken(reading.claims)) {
    return 'This looks like an ID token, which tells a client who logged in. An API wants '
      + 'the access token of the same answer.';
  }
  return '';
}

// "2 hours 5 minutes": the two largest units.
export function words(seconds) {
  const units = [[DAY, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];
  let rest = Math.max(0, Math.floor(seconds));
  const said = [];
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && said.length < 2) {
      said.push(`${count} ${name}${count === 1 ? '' : 's'}`);
    }
  }
  return said.join(' ') || '0 seconds';
}

const shown = (value) => (value === undefined ? 'none' : JSON.stringify(value));

function expiry({ exp }, now) {
  if (!isTime(exp)) {
    return { ok: false, found: shown(exp), why: 'A token without an end is refused.' };
  }
  const left = exp - now;
  return left > 0
    ? { ok: true, found: `in ${words(left)}` }
    : { ok: left + LEEWAY > 0, found: `${words(-left)} ago`, why: 'Get a new token.' };
}

function beginning({ nbf, iat }, now) {
  const times = [nbf, iat].filter((time) => time !== undefined);
  if (!times.every(isTime)) {
    return { ok: false, found: shown(nbf ?? iat) };
  }
  const begin = Math.max(0, ...times);
  if (begin <= now) {
    return { ok: true, found: times.length ? `${words(now - begin)} ago` : 'not said' };
  }
  return {
    ok: begin <= now + LEEWAY,
    found: `in ${words(begin - now)}`,
    why: 'Is the clock of this computer right?',
  };
}

const mediaType = (text) => text.toLowerCase().replace(/^application\//, '');

function type({ typ }) {
  const plain = typeof typ === 'string' ? mediaType(typ) : typ;
  return { ok: [undefined, 'jwt', 'at+jwt'].includes(plain), found: shown(typ) };
}

function audience({ aud }, facts, reading) {
  const ok = list(aud).every((one) => typeof one === 'string')
    && list(aud).includes(facts.audience);
  return {
    ok,
    found: list(aud).map(shown).join(', ') || 'none',
    why: ok ? '' : advice(reading, facts.audience)
      || `Request the token with audience ${facts.audience}.`,
  };
}

// What would change the meaning of the rest, and is refused for that.
function extensions({ crit, b64, zip, cty }, { cnf }) {
  const nested = cty !== undefined && !(typeof cty === 'string' && mediaType(cty) !== 'jwt');
  const all = { crit, b64, zip, cty: nested ? cty : undefined, cnf };
  const found = Object.keys(all).filter((name) => all[name] !== undefined);
  return {
    ok: found.length === 0,
    found: found.join(', ') || 'none',
    why: cnf === undefined ? '' : 'A token that is bound to a key is no bearer token.',
  };
}

function key({ kid }, keys) {
  if (!keys) {
    return { ok: null, found: shown(kid), why: "Only the server knows the issuer's keys." };
  }
  const one = kid === undefined ? keys.length === 1 : keys.some((known) => known.kid === kid);
  return { ok: one, found: shown(kid), why: one ? '' : 'No key of the issuer has this id.' };
}

function grant(claims, route) {
  const found = granted(claims, route.needs);
  const ok = found.includes(route.name);
  return {
    ok,
    found: found.join(' ') || 'none',
    // Right for the other routes: the token is good, and grants less.
    partial: !ok,
    why: ok ? '' : `${route.path} answers 403.`,
    expected: `${route.name} in ${CLAIM[route.needs]}, for ${route.path} alone`,
  };
}

// The checks in the server's order: [{name, expected, found, verdict, why}], verdict
// being pass, fail, less (good, but not for every route) or server (only it can tell).
//
// facts: what console.json says. signature: true, false, or null when this page has no
// key to check with.
export function checks(reading, facts, now, signature = null) {
  const rows = [];
  const add = (name, expected, { ok, found, why = '', partial = false }) => {
    let verdict = ok ? 'pass' : 'fail';
    if (ok === null) {
      verdict = 'server';
    } else if (partial) {
      verdict = 'less';
    }
    rows.push({ name, expected, found, verdict, why });
  };
  if (reading.kind === 'none') {
    return rows;
  }
  add('Form', 'three parts: header, claims, signature', reading.kind === 'jwt'
    ? { ok: true, found: 'three parts' }
    : { ok: false, found: reading.problem, why: advice(reading, facts.audience) });
  if (reading.kind !== 'jwt') {
    return rows;
  }
  const { header, claims } = reading;
  add('Algorithm', 'RS256', { ok: header.alg === 'RS256', found: shown(header.alg) });
  add('Issuer', facts.issuer, {
    ok: claims.iss === facts.issuer,
    found: shown(claims.iss),
    why: `${claims.iss}/` === facts.issuer ? 'The slash at the end is missing.' : '',
  });
  add('Key', 'a key of this issuer', key(header, facts.jwks?.keys));
  add('Signature', 'made with that key', {
    ok: signature,
    found: { true: 'valid', false: 'another one' }[signature] ?? 'present',
    why: signature === null ? 'Only the server can tell.'
      : 'Checked in this page with the development key; the server does the same.',
  });
  add('Audience', facts.audience, audience(claims, facts, reading));
  add('Expires', 'in the future', expiry(claims, now));
  add('Issued', 'in the past', beginning(claims, now));
  add('Type', 'JWT, at+jwt or none', type(header));
  add('Extensions', 'none that the server would have to know', extensions(header, claims));
  add('User', 'a name in sub', {
    ok: typeof claims.sub === 'string' && claims.sub !== '',
    found: shown(claims.sub),
  });
  for (const route of facts.routes.filter(needsGrant)) {
    const { expected, ...result } = grant(claims, route);
    add(route.needs === 'scope' ? 'Scope' : 'Permission', expected, result);
  }
  return rows;
}

// Does one of these keys (a JWK Set's) verify the signature? null when there is none to
// try with, or the browser does not do it on this page.
export async function verify(reading, keys) {
  const crypto = globalThis.crypto?.subtle;
  const { kid, alg } = reading.header ?? {};
  const jwk = keys?.find((one) => kid === undefined || one.kid === kid);
  if (reading.kind !== 'jwt' || alg !== 'RS256' || !crypto || !jwk) {
    return null;
  }
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const [head, payload, signature] = reading.parts;
  try {
    const imported = await crypto.importKey('jwk', { kty: 'RSA', n: jwk.n, e: jwk.e },
      algorithm, false, ['verify']);
    return await crypto.verify(algorithm, imported, bytesOf(signature),
      new TextEncoder().encode(`${head}.${payload}`));
  } catch {
    return null;
  }
}

// The same token with another first character of the signature. The first, because the
// last one holds bits that count for nothing.
export function breakSignature({ parts }) {
  const [head, payload, signature] = parts;
  const other = signature.startsWith('A') ? 'B' : 'A';
  return `${head}.${payload}.${other}${signature.slice(1)}`;
}

// The same token with what the route needs written in, and the old signature.
export function forge({ parts, claims }, route) {
  const [head, , signature] = parts;
  const grants = [...new Set([...granted(claims, route.needs), route.name])];
  const value = route.needs === 'scope' ? grants.join(' ') : grants;
  const raised = { ...claims, [CLAIM[route.needs]]: value };
  const payload = base64url(new TextEncoder().encode(JSON.stringify(raised)));
  return `${head}.${payload}.${signature}`;
}

// A WWW-Authenticate value taken apart: {scheme, parameters: [[name, value]...]}; null
// when there is none.
export function challenge(header) {
  const match = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*(.*)$/.exec(header ?? '');
  if (!match) {
    return null;
  }
  const pairs = match[2].matchAll(/([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))/g);
  return {
    scheme: match[1],
    parameters: [...pairs].map(([, name, quoted, plain]) => [
      name, quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')]),
  };
}

// What a person types for the same request. The token is cut: nobody needs the whole of
// it on a screen.
export function curlLine(url, token) {
  const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;
  const start = token.length > 20 ? `${token.slice(0, 10)}…` : token;
  return token === '' ? `curl -i ${url}`
    : `curl -i -H ${quoted(`Authorization: Bearer ${start}`)} ${url}`;
}

// The console of the sample API: choose a token, press a call, see what came of it.
//
// Nothing here is trusted: every text reaches the page as text. The token is kept in
// variables of this page alone, never in storage, an address or a form that is sent.

import {
  advice, breakSignature, challenge, checks, curlLine, forge, isSendable, needsGrant, read,
  tidy, verify,
} from './console-token.mjs';

const HISTORY_MAX = 50;
const ANSWER_LIMIT = 30_000; // milliseconds
const at = (id) => document.getElementById(id);
const clock = () => Date.now() / 1000;

// make('li', { class: 'x' }, 'text', node...): strings become text, never markup.
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

let facts = null; // what console.json says
let choices = []; // {name, note, token}; token null is what was pasted
let chosen = null;
let signature = null; // of the chosen token: true, false or null (not known here)
const verdicts = new Map(); // token -> the server's last word about it
let calls = 0;

// ------------------------------------------------------------------------------
// The token

function current() {
  return read(chosen.token ?? tidy(at('token').value).token);
}

async function showToken() {
  const reading = current();
  const isJwt = reading.kind === 'jwt';
  at('paste').hidden = chosen.token !== null;
  at('break').disabled = !isJwt;
  at('forge').disabled = !isJwt || !facts.routes.some(needsGrant);
  at('decoded').hidden = !isJwt;
  at('checks-list-heading').hidden = reading.kind === 'none';
  if (isJwt) {
    at('token-header').textContent = JSON.stringify(reading.header, null, 2);
    at('token-claims').textContent = JSON.stringify(reading.claims, null, 2);
  }
  signature = null;
  showChecks();
  const answer = await verify(reading, facts.jwks?.keys);
  if (current().token === reading.token) {
    signature = answer;
    showChecks();
  }
}

const VERDICT = {
  pass: ['✓', 'holds'],
  fail: ['✗', 'fails'],
  less: ['!', 'not granted'],
  server: ['?', 'server only'],
};

function checkItem({ name, expected, found, verdict, why }) {
  const [sign, text] = VERDICT[verdict];
  const compared = make('dl', {},
    make('div', {}, make('dt', {}, 'Expected'), make('dd', {}, expected)),
    make('div', {}, make('dt', {}, 'Found'), make('dd', {}, found)));
  const item = make('li', { 'data-check': name, 'data-verdict': verdict },
    make('h4', {}, `${name} `, make('span', { class: `verdict ${verdict}` },
      make('span', { 'aria-hidden': 'true' }, `${sign} `), text)), compared);
  if (why) {
    item.append(make('p', { class: 'why' }, why));
  }
  return item;
}

const NOT_ASKED = 'Not asked yet: press a call that wants a token.';

function serverItem(word) {
  return make('li', { 'data-check': 'Server', class: 'server-word' },
    make('h4', {}, 'What the server said'), make('p', {}, word));
}

function summaryOf(reading, rows) {
  if (reading.kind === 'none') {
    return chosen.token === null ? 'Nothing is pasted yet.'
      : 'No token is sent. The server asks for one where it wants one.';
  }
  const failed = rows.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
  if (failed.length > 0) {
    return `The server will refuse this token. What fails: ${failed.join(', ')}.`;
  }
  const unknown = rows.filter(({ verdict }) => verdict === 'server').map(({ name }) => name);
  const less = rows.some(({ verdict }) => verdict === 'less')
    ? ` It does not grant what ${facts.routes.find(needsGrant).path} needs.` : '';
  return unknown.length === 0 ? `Everything holds: the server will accept this token.${less}`
    : `All that this page can check holds.${less} Only the server can check: ${
      unknown.join(', ')}.`;
}

// Only what says something else is replaced: a screen reader keeps its place in the rest.
function replaceItems(list, entries) {
  entries.forEach(([item, ...values], number) => {
    const text = JSON.stringify(values);
    const old = list.children[number];
    if (old?.dataset.text !== text) {
      const fresh = item(...values);
      fresh.dataset.text = text;
      if (old) {
        old.replaceWith(fresh);
      } else {
        list.append(fresh);
      }
    }
  });
  while (list.children.length > entries.length) {
    list.lastElementChild.remove();
  }
}

function showChecks() {
  const reading = current();
  const rows = checks(reading, facts, clock(), signature);
  const summary = [summaryOf(reading, rows), advice(reading, facts.audience)]
    .filter(Boolean).join(' ');
  if (at('summary').textContent !== summary) {
    at('summary').textContent = summary;
  }
  const entries = rows.map((row) => [checkItem, row]);
  if (reading.kind !== 'none') {
    entries.push([serverItem, verdicts.get(reading.token) ?? NOT_ASKED]);
  }
  replaceItems(at('checks'), entries);
}

function choose(choice) {
  chosen = choice;
  at('note').textContent = '';
  showToken();
}

function paste(token, note) {
  const choice = choices.find((one) => one.token === null);
  at('token').value = token;
  at(`choice-${choices.indexOf(choice)}`).checked = true;
  choose(choice);
  at('note').textContent = note;
}

function pasted() {
  const { token, note } = tidy(at('token').value);
  at('note').textContent = isSendable(token) ? note
    : 'There is a character in it that no header can carry.';
  showToken();
}

function showChoices() {
  const fieldset = at('choices');
  fieldset.replaceChildren(fieldset.querySelector('legend'));
  choices.forEach((choice, number) => {
    const input = make('input', {
      type: 'radio', name: 'choice', id: `choice-${number}`, value: number,
      autocomplete: 'off', 'aria-describedby': `choice-${number}-note`,
    });
    input.checked = choice === chosen;
    input.addEventListener('change', () => choose(choice));
    fieldset.append(make('div', { class: 'choice' }, input,
      make('label', { for: `choice-${number}` }, choice.name),
      make('span', { id: `choice-${number}-note`, class: 'quiet' }, choice.note)));
  });
}

// ------------------------------------------------------------------------------
// The call

function showChallenge(header) {
  const found = challenge(header);
  if (!found) {
    at('challenge').replaceChildren(make('p', { class: 'quiet' }, 'None.'));
    return;
  }
  const rows = [['scheme', found.scheme], ...found.parameters].map(([name, value]) => (
    make('div', {}, make('dt', {}, name), make('dd', {}, value))));
  at('challenge').replaceChildren(make('dl', { class: 'facts' }, ...rows));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || '(empty)';
  }
}

// The colour of an answer: whether it did what the caller wanted.
const kindOf = (status) => (status >= 200 && status < 300 ? 'good' : 'bad');

function showAnswer(call) {
  at('exchange').hidden = false;
  at('curl').textContent = call.curl;
  at('status').className = `status ${call.kind}`;
  at('status').textContent = call.sentence;
  showChallenge(call.challenge);
  at('body').textContent = call.body;
  for (const button of at('history').querySelectorAll('button')) {
    button.setAttribute('aria-pressed', String(button.dataset.call === String(call.number)));
  }
}

function remember(call) {
  at('history-empty').hidden = true;
  const button = make('button', {
    type: 'button', 'data-call': call.number, 'aria-pressed': 'false' },
    make('span', { class: `code ${call.kind}` }, call.code), ` ${call.path} `,
    make('span', { class: 'quiet' },
      call.status ? `${call.with}, ${call.milliseconds} ms` : call.with));
  button.addEventListener('click', () => showAnswer(call));
  at('history').prepend(make('li', { value: call.number }, button));
  while (at('history').children.length > HISTORY_MAX) {
    at('history').lastElementChild.remove();
  }
}

// What the server thinks of the token, where it looked at one.
function judge(route, call) {
  if (route.needs === 'nothing' || call.token === '' || !call.status) {
    return;
  }
  const told = challenge(call.challenge)?.parameters
    .find(([name]) => name === 'error_description');
  verdicts.set(call.token, told ? `${call.code} at ${route.path}: ${told[1]}.`
    : `${call.code} at ${route.path}${call.kind === 'good' ? ': it accepts this token' : ''}.`);
}

async function ask(path, token) {
  const started = performance.now();
  const answer = await fetch(path, {
    headers: token === '' ? {} : { Authorization: `Bearer ${token}` },
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_LIMIT),
  });
  const body = await answer.text();
  return { answer, body, milliseconds: Math.round(performance.now() - started) };
}

const NO_ANSWER = 'No answer. Does the server still run? When it is back, this page goes on.';

async function press(route) {
  const { token } = current();
  if (!isSendable(token)) {
    at('status').className = 'status bad';
    at('status').textContent = 'Not sent: the token has a character that no header can carry.';
    return;
  }
  calls += 1;
  const call = {
    number: calls, path: route.path, token,
    with: chosen.token === null ? 'Pasted token' : chosen.name,
    curl: curlLine(new URL(route.path, location.href).href, token),
  };
  at('status').className = 'status';
  at('status').textContent = `Asking for ${route.path}…`;
  try {
    const { answer, body, milliseconds } = await ask(route.path, token);
    Object.assign(call, {
      status: answer.status, code: `${answer.status} ${answer.statusText}`.trim(),
      kind: kindOf(answer.status), milliseconds, body: pretty(body),
      challenge: answer.headers.get('WWW-Authenticate'),
    });
    call.sentence = `${call.code} for ${route.path} in ${milliseconds} ms`;
  } catch {
    Object.assign(call, {
      status: 0, code: 'No answer', kind: 'bad', body: '(none)', challenge: null,
      sentence: NO_ANSWER,
    });
  }
  judge(route, call);
  remember(call);
  showAnswer(call);
  showChecks();
  at('status').scrollIntoView({ block: 'nearest' }); // on a phone it is below the buttons
}

const NEEDS = {
  nothing: () => 'needs no token',
  token: () => 'needs a valid token',
  permission: ({ name }) => `needs the permission ${name}`,
  scope: ({ name }) => `needs the scope ${name}`,
};

function showCalls() {
  at('calls').replaceChildren(...facts.routes.map((route, number) => {
    const button = make('button', {
      type: 'button', class: 'call', 'aria-describedby': `call-${number}`,
    }, `GET ${route.path}`);
    button.addEventListener('click', () => press(route));
    return make('li', {}, button,
      make('span', { id: `call-${number}`, class: 'quiet' }, NEEDS[route.needs](route)));
  }));
}

// ------------------------------------------------------------------------------
// Start

async function json(path) {
  const answer = await fetch(path, {
    cache: 'no-store', credentials: 'omit', redirect: 'error' });
  if (!answer.ok) {
    throw new Error(`${answer.status} for ${path}`);
  }
  return answer.json();
}

// The server gives development tokens to pages of this computer alone; no other page
// need ask.
const isHere = () => ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

async function developmentTokens() {
  if (!facts.development || !isHere()) {
    return [];
  }
  try {
    return await json('/console-tokens.json');
  } catch {
    return [];
  }
}

function whyNoTokens() {
  if (!facts.development) {
    return '';
  }
  return `Development tokens are only for http://localhost:${location.port} in a current `
    + 'browser of the computer that the server runs on.';
}

async function start() {
  try {
    facts = await json('/console.json');
  } catch (error) {
    at('trust').textContent = `The page cannot start (${error.message}). Load it again.`;
    return;
  }
  const tokens = await developmentTokens();
  choices = [{ name: 'No token', note: '', token: '' }, ...tokens,
    { name: 'A token to paste', note: tokens.length ? '' : whyNoTokens(), token: null }];
  [chosen] = choices;
  document.title = `${facts.title}: console`;
  at('title').textContent = `${facts.title}: console`;
  at('trust').replaceChildren('It accepts tokens of ', make('code', {}, facts.issuer),
    ' for the audience ', make('code', {}, facts.audience), facts.development
      ? '. There is no Auth0 tenant set: this issuer is a key made on this computer.' : '.');
  at('forge').textContent = `Write ${facts.routes.find(needsGrant).name} into it`;
  showChoices();
  showCalls();
  at('token').addEventListener('input', pasted);
  at('break').addEventListener('click', () => paste(breakSignature(current()),
    'Changed: the first character of the signature. The token is in the field now.'));
  at('forge').addEventListener('click', () => {
    const route = facts.routes.find(needsGrant);
    paste(forge(current(), route), `Written into the claims: ${route.name}. The signature `
      + 'is the old one. The token is in the field now.');
  });
  await showToken();
  setInterval(showChecks, 1000);
}

start();

// The console as a person uses it.

import { open, refusal } from './browser.mjs';

export const ROUTES = {
  'hello-world': ['/api/messages/public', '/api/messages/protected', '/api/messages/admin'],
  quickstart: ['/api/public', '/api/private', '/api/private-scoped'],
};

export async function visit(browser, url, options = {}) {
  const opened = await open(browser, { expected: refusal, ...options });
  const { page } = opened;
  // Every address that the page asks for: a token in one of them would be a leak.
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.goto(url);
  await page.getByRole('button', { name: /^GET / }).first().waitFor();
  return { ...opened, addresses };
}

export const choose = (page, name) => page.getByRole('radio', { name, exact: true }).check();

export async function paste(page, text) {
  await choose(page, 'A token to paste');
  await page.getByLabel('Access token').fill(text);
}

// What is shown of the answer to the call number n (from 1).
export async function answer(page, n) {
  await page.locator(`#history [data-call="${n}"][aria-pressed="true"]`).waitFor();
  const [status, challenge, body, curl] = await Promise.all(
    ['#status', '#challenge', '#body', '#curl'].map((id) => page.locator(id).innerText()));
  return { status, challenge: challenge.replace(/\s+/g, ' '), body, curl };
}

export async function press(page, path) {
  const before = await page.locator('#history li').count();
  await page.getByRole('button', { name: `GET ${path}`, exact: true }).click();
  return answer(page, before + 1);
}

// {verdict, text} of a check in the list.
export async function check(page, name) {
  const item = page.locator(`#checks [data-check="${name}"]`);
  return {
    verdict: await item.getAttribute('data-verdict'),
    text: (await item.innerText()).replace(/\s+/g, ' '),
  };
}

export const summary = (page) => page.locator('#summary').innerText();

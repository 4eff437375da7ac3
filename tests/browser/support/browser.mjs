// Debian's Chromium, and a page that keeps account of everything that goes wrong in it.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { TOP } from './servers.mjs';

const SLOW = Number(process.env.AUTH0_JWT_SLOW ?? 1);
export const LIMIT = 15_000 * SLOW; // milliseconds for anything that a person waits for
const SHOTS = join(TOP, 'build/browser');

// Nothing but this machine has a name, so that a page which needs more fails. Two names
// of other people lead here too: for pages that ought to be refused.
const NAMES = 'MAP evil.example.com 127.0.0.1, MAP other.localhost 127.0.0.1, '
  + 'MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1';

export function launch(...more) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid() !== 0,
    timeout: 4 * LIMIT,
    args: [`--host-resolver-rules=${NAMES}`, '--disable-gpu', '--disable-quic',
      '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', ...more],
  });
}

// A page in a fresh profile. problems holds what no page of ours may cause: errors and
// warnings of the console, exceptions, failed requests, policy violations. Chromium also
// reports each refusal of an API as an error of the console; expected() says which.
export async function open(browser, { expected = () => false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(LIMIT);
  const page = await context.newPage();
  const problems = [];
  const note = (problem) => {
    if (!expected(problem)) {
      problems.push(problem);
    }
  };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      note(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => note(`exception: ${error.message}`));
  page.on('requestfailed', (request) => note(
    `failed: ${request.url()} (${request.failure()?.errorText})`));
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation',
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  return { page, problems, context };
}

// An answer of the sample APIs that refuses, in the words of Chromium.
export const refusal = (problem) => (
  /^console: Failed to load resource: .* status of 40[013] .*\/api\/[a-z/-]+\)$/.test(problem));

export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

// The programs around the browser, all on loopback: `run`, the provider, web servers for
// pages. Whatever is started here is stopped here.

import { spawn, execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const START_LIMIT = 60_000; // milliseconds

// A loopback port that nobody listens on: the preferred one, if it is free.
export async function freePort(preferred = 0) {
  const probe = createPlainServer().listen(preferred, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

const children = new Set();

// Node.js would leave them behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    children.forEach((child) => child.kill('SIGTERM'));
    process.exit(1);
  });
}

// Start a program and wait until it has printed what ready() accepts. {output(), stop()}
async function start(command, parameters, options, ready) {
  const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  const ended = once(child, 'exit').finally(() => children.delete(child));
  children.add(child);
  let output = '';
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
  };
  await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${command} ${why}:\n${output}`));
    const timer = setTimeout(() => fail('is not ready'), START_LIMIT);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output += `${line}\n`;
        if (ready(line)) {
          clearTimeout(timer);
          resolve();
        }
      });
    }
    child.on('error', (error) => fail(`cannot start (${error.message})`));
    ended.then(() => fail('ended early'));
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { child, stop, output: () => output };
}

// tools/run.sh, as `make run` calls it. Settings that are not given are empty: neither
// the tester's environment nor a .env counts.
export async function run(settings = {}) {
  const port = settings.PORT ?? await freePort();
  const env = {
    PATH: process.env.PATH, HOME: process.env.HOME ?? '/', LANG: 'C',
    AUTH0_DOMAIN: '', AUTH0_AUDIENCE: '', AUTH0_CA_FILE: '', CLIENT_ORIGIN_URL: '',
    CONF: 'hello-world', PORT: String(port), ...settings,
  };
  const server = await start(join(TOP, 'tools/run.sh'), [], { cwd: TOP, env },
    (line) => /^(To use a real tenant|Put its access_token)/.test(line));
  return { ...server, port, url: `http://localhost:${port}` };
}

// A token signed with the development key of this checkout.
export function mint(...options) {
  return execFileSync(join(TOP, 'build/auth0-jwt'),
    ['mint', '--key', join(TOP, 'run/dev/key.pem'), ...options], { encoding: 'utf8' }).trim();
}

// What a browser gets who asks for the console's tokens from the console.
export async function developmentTokens(server) {
  const answer = await fetch(`${server.url}/console-tokens.json`, {
    headers: { 'Sec-Fetch-Site': 'same-origin' },
  });
  return answer.json();
}

// ------------------------------------------------------------------------------
// The tenant, and pages that are its clients

// A certificate for localhost that is its own authority: {cert, key, spki, remove()}.
// Cert and key are files; spki is what --ignore-certificate-errors-spki-list takes, so
// that Chromium trusts this one and no other.
export function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'auth0-jwt-browser-'));
  chmodSync(folder, 0o755); // httpd's workers read the certificate
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
  const { publicKey } = new X509Certificate(readFileSync(files.cert));
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  return { ...files, spki, remove: () => rmSync(folder, { recursive: true }) };
}

// tests/provider/server.mjs as a tenant: {domain, issuer, stop()}
export async function provider({ cert, key }, settings) {
  const port = await freePort();
  const server = await start(process.execPath, [join(TOP, 'tests/provider/server.mjs')], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      PROVIDER: JSON.stringify({ port, cert, key, ...settings }),
    },
  }, (line) => line.startsWith('{"ready"'));
  const issuer = `https://localhost:${port}/`;
  // What the dashboard's curl line does, curl included.
  const token = (client, secret, audience) => JSON.parse(execFileSync('curl', [
    '-q', '-s', '--noproxy', '*', '--cacert', cert, `${issuer}oauth/token`,
    '-H', 'Content-Type: application/json', '-d', JSON.stringify({
      client_id: client, client_secret: secret, audience, grant_type: 'client_credentials',
    })], { encoding: 'utf8' })).access_token;
  return { ...server, domain: `localhost:${port}`, issuer, token };
}

const TYPES = {
  html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json',
};

// A web server for a page. files: path -> file, or text with a type: {url, stop()}
export async function site(port, files) {
  const server = createServer((request, response) => {
    const found = files[new URL(request.url, 'http://localhost').pathname];
    if (!found) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[typeof found === 'string' ? found.split('.').pop() : 'json'];
    response.writeHead(200, {
      'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' });
    response.end(typeof found === 'string' ? readFileSync(found) : JSON.stringify(found));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${server.address().port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections?.();
      await once(server, 'close');
    },
  };
}

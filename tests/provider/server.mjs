// A real OpenID provider (npm oidc-provider) that looks like an Auth0 tenant to its
// clients: the same routes, the same JSON request for a token, the same claims.
//
//   PROVIDER={"port":…,"cert":"…","key":"…","audiences":[…],"clients":[…]} node server.mjs
//
// cert and key are PEM files. A client is {client_id, client_secret, permissions?, ttl?},
// or {client_id, origin} for a page in a browser, at which the people of "users" log in:
// see login.mjs. It prints one JSON line when it is ready and after each command; commands are lines
// on standard input: "rotate" signs with a fresh key from now on and keeps publishing
// the old ones. The end of standard input ends it.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

import './older-node.mjs';
import * as people from './login.mjs';

const { Provider } = await import('oidc-provider');
const { port, cert, key, audiences, clients, users = [] } = JSON.parse(process.env.PROVIDER);
const issuer = `https://localhost:${port}/`; // Auth0's issuers end in a slash
const MAX_BODY = 10_000;

const clientOf = (id) => clients.find((client) => client.client_id === id);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const machine = ({ client_id, client_secret }) => ({
  client_id,
  client_secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_post',
});

const configuration = {
  ...people.configuration(users, audiences),
  clients: clients.map((client) => (client.origin ? people.client(client) : machine(client))),
  routes: { ...people.routes, token: '/oauth/token', jwks: '/.well-known/jwks.json' },
  features: {
    ...people.features,
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, resource, client) {
        if (!audiences.includes(resource)) {
          throw new Error(`no API has the identifier ${resource}`);
        }
        return {
          audience: resource,
          scope: '',
          accessTokenFormat: 'jwt',
          accessTokenTTL: clientOf(client.clientId).ttl ?? 86400,
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  },
  // What Auth0 adds for an API with RBAC and "Add Permissions in the Access Token".
  extraTokenClaims(ctx, token) {
    if (token.accountId) {
      return people.tokenClaims(users, token);
    }
    const { permissions } = clientOf(token.clientId);
    return {
      azp: token.clientId,
      gty: 'client-credentials',
      ...(permissions ? { permissions } : {}),
    };
  },
  formats: {
    customizers: {
      jwt(ctx, token, jwt) {
        if (token.accountId) {
          people.finish(jwt.payload, issuer);
        } else {
          jwt.payload.sub = `${token.clientId}@clients`;
        }
      },
    },
  },
};

let keys = [];
let provider;
let handler;

function rotate() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = `${keys.length + 1}-${Date.now()}`;
  keys = [{ ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
    ...keys];
  provider = new Provider(issuer, { ...configuration, jwks: { keys } });
  provider.on('server_error', (ctx, error) => console.error(error));
  handler = provider.callback();
  return kid;
}

async function readBody(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY) {
      throw new Error('body too large');
    }
  }
  return text;
}

// Auth0's clients send JSON with "audience"; the standard says a form with "resource".
async function asForm(request) {
  const { audience, ...rest } = JSON.parse(await readBody(request));
  request.body = { ...rest, ...(audience ? { resource: audience } : {}) };
  request.headers['content-type'] = 'application/x-www-form-urlencoded';
}

const server = createServer(
  { cert: readFileSync(cert), key: readFileSync(key) },
  async (request, response) => {
    try {
      if (request.method === 'POST' && request.url === '/oauth/token'
          && /^application\/json\b/.test(request.headers['content-type'] ?? '')) {
        await asForm(request);
      }
      people.asStandard(request);
      if (!await people.answer(provider, users, request, response, readBody)) {
        await handler(request, response);
      }
    } catch (error) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_request', error_description: error.message }));
    }
  },
);

const first = rotate();
server.listen(port, '127.0.0.1', () => say({ ready: true, kid: first }));

createInterface({ input: process.stdin })
  .on('line', (line) => (line === 'rotate' ? say({ kid: rotate() }) : say({ error: line })))
  .on('close', () => process.exit(0));

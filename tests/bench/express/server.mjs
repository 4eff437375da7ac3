// Express with Auth0's middleware, for the benchmark: / is protected, /open is not.
//
//   SETTINGS={"port":…,"jwksUri":"…","issuer":"…","audience":"…","permission":"…","body":"…"} node server.mjs
//
// The end of standard input ends it.

import express from 'express';
import { auth, claimIncludes } from 'express-oauth2-jwt-bearer';

const { port, jwksUri, issuer, audience, permission, body } = JSON.parse(process.env.SETTINGS);
const app = express();
const answer = (_request, response) => response.type('text/plain').send(body);

app.get('/open', answer);
app.get(
  '/',
  auth({ jwksUri, issuer, audience, tokenSigningAlg: 'RS256' }),
  claimIncludes('permissions', permission),
  answer,
);
// Without this one Express writes a stack trace to the log for each refusal.
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).set(error.headers ?? {}).json({ message: error.message });
});

app.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

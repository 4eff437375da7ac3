// npm jose as a judge of tokens: one case a line in, one verdict a line out.
import '../provider/older-node.mjs';
import {createInterface} from 'node:readline';
import {createLocalJWKSet, errors, jwtVerify} from 'jose';

const TOGETHER = 64;

const bytes = (text) => Buffer.from(text, 'base64');
const strict = new TextDecoder('utf-8', {fatal: true});

// Several keys may be meant: jose leaves it to the caller to try them in turn.
async function verifyWithSet(token, keys, options) {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) {
      throw error;
    }
    let last = error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        last = failure;
      }
    }
    throw last;
  }
}

async function judge(line) {
  const {jwks, secret, token, algorithms, issuer, audiences, leeway, now} = JSON.parse(line);
  const options = {
    algorithms, issuer, audience: audiences, clockTolerance: leeway,
    currentDate: new Date(now * 1000), requiredClaims: ['exp'],
  };
  try {
    const text = strict.decode(bytes(token));
    const {payload} = secret === undefined
      ? await verifyWithSet(
        text, createLocalJWKSet(JSON.parse(strict.decode(bytes(jwks)))), options)
      : await jwtVerify(text, bytes(secret), options);
    return {accepted: true, claims: JSON.stringify(payload)};
  } catch (error) {
    return {accepted: false, why: String(error.code ?? error.name)};
  }
}

let waiting = [];

async function flush() {
  const verdicts = await Promise.all(waiting.map(judge));
  process.stdout.write(verdicts.map((verdict) => JSON.stringify(verdict) + '\n').join(''));
  waiting = [];
}

for await (const line of createInterface({input: process.stdin})) {
  waiting.push(line);
  if (waiting.length === TOGETHER) {
    await flush();
  }
}
await flush();

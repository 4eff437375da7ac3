// What oidc-provider and jose take for granted and Debian 12's Node.js 18 has not yet.
// To be imported before them; and they by import(), for an import statement would come
// too early for what is done here to the module node:crypto.

import crypto, { webcrypto } from 'node:crypto';
import { register } from 'node:module';

globalThis.crypto ??= webcrypto;
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};

const moduleOf = (source) => `data:text/javascript,${encodeURIComponent(source)}`;

if (!crypto.hash) {
  const withHash = moduleOf(`
    import { createHash } from 'node:crypto';
    export * from 'node:crypto';
    export { default } from 'node:crypto';
    export function hash(algorithm, data, encoding = 'hex') {
      const made = createHash(algorithm).update(data);
      return encoding === 'buffer' ? made.digest() : made.digest(encoding);
    }`);
  register(moduleOf(`
    export function resolve(specifier, context, next) {
      return specifier === 'node:crypto' && !context.parentURL.startsWith('data:')
        ? { url: ${JSON.stringify(withHash)}, shortCircuit: true } : next(specifier, context);
    }`));
}

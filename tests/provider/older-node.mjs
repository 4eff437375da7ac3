// What oidc-provider and jose take for granted and Debian 12's Node.js 18 has not yet.
// To be imported before them.

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};

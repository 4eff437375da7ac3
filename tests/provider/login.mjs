// The people of the provider: a page where they log in, and what their tokens say. As
// Auth0 with RBAC and "Add Permissions in the Access Token" for the API.
//
// A user is {username, password, sub, permissions}: the permissions of the user's roles.

const SCOPE = 'openid profile email';
const LOGIN = /^\/u\/login\/([\w-]+)$/;

export const client = ({ client_id, origin }) => ({
  client_id,
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [origin],
  post_logout_redirect_uris: [origin],
  token_endpoint_auth_method: 'none', // a page keeps no secret; PKCE instead
});

export const routes = { authorization: '/authorize', end_session: '/v2/logout' };

export const features = {
  // The answer to a hidden frame: how a page finds out that its user is still logged in.
  webMessageResponseMode: { enabled: true, ack: 'individual-draft-01' },
  // Auth0 asks nobody whether he really wants to go.
  rpInitiatedLogout: {
    enabled: true,
    logoutSource(ctx, form) {
      ctx.body = `<!doctype html><title>Log out</title>${
        form.replace('</form>', '<input type="hidden" name="logout" value="yes"></form>')
      }<script>document.forms[0].submit()</script>`;
    },
  },
};

export const configuration = (users, audiences) => ({
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  conformIdTokenClaims: false, // the name is in the ID token, not at another address
  pkce: { required: () => true },
  // The hidden frame is on another site than the page.
  cookies: {
    keys: ['a key for the tests'],
    long: { httpOnly: true, sameSite: 'none', secure: true },
    short: { httpOnly: true, sameSite: 'none', secure: true },
  },
  interactions: { url: (ctx, interaction) => `/u/login/${interaction.uid}` },
  findAccount(ctx, sub) {
    const user = users.find((one) => one.sub === sub);
    return user && {
      accountId: sub,
      claims: () => ({ sub, name: user.username, email: user.username }),
    };
  },
  // The tenant's own page asks for no consent.
  async loadExistingGrant(ctx) {
    const { client: { clientId }, session: { accountId }, provider } = ctx.oidc;
    const grant = new provider.Grant({ clientId, accountId });
    grant.addOIDCScope(SCOPE);
    audiences.forEach((audience) => grant.addResourceScope(audience, SCOPE));
    await grant.save();
    return grant;
  },
});

export function tokenClaims(users, token) {
  const { permissions } = users.find(({ sub }) => sub === token.accountId);
  return { azp: token.clientId, permissions };
}

// With openid in the scope, Auth0's tokens are also for its own /userinfo.
export function finish(payload, issuer) {
  payload.aud = [payload.aud, `${issuer}userinfo`];
  payload.scope = SCOPE;
}

// Auth0's clients say audience and returnTo where the standards say other words.
export function asStandard(request) {
  const url = new URL(request.url, 'https://localhost');
  const words = { '/authorize': ['audience', 'resource'],
    '/v2/logout': ['returnTo', 'post_logout_redirect_uri'] }[url.pathname];
  const value = words && url.searchParams.get(words[0]);
  if (value) {
    url.searchParams.delete(words[0]);
    url.searchParams.set(words[1], value);
    request.url = url.pathname + url.search;
  }
}

const loginPage = (problem) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in</title>
<link rel="icon" href="data:,">
<style>
  body { font: 1rem/1.5 sans-serif; max-width: 20rem; margin: 4rem auto; padding: 1rem; }
  label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
  input, button { margin-bottom: 1rem; padding: 0.5rem; }
</style>
<h1>Log in</h1>
<form method="post">
  <p role="alert">${problem}</p>
  <label for="username">Email address</label>
  <input id="username" name="username" type="email" autocomplete="username" required>
  <label for="password">Password</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required>
  <button>Continue</button>
</form>
`;

// The login page; false when the request is for something else.
export async function answer(provider, users, request, response, readBody) {
  if (!LOGIN.test(request.url)) {
    return false;
  }
  await provider.interactionDetails(request, response); // throws when nobody is to log in
  const form = new URLSearchParams(request.method === 'POST' ? await readBody(request) : '');
  const user = users.find(({ username, password }) => username === form.get('username')
    && password === form.get('password'));
  if (user) {
    await provider.interactionFinished(request, response, { login: { accountId: user.sub } });
    return true;
  }
  response.writeHead(form.has('username') ? 401 : 200, { 'content-type': 'text/html' });
  response.end(loginPage(form.has('username') ? 'Wrong email address or password.' : ''));
  return true;
}

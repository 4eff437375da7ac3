// What Auth0's single-page samples do with the Hello World API: log in with the SDK, call
// the three routes with the access token, show what comes back.

const at = (id) => document.getElementById(id);
const settings = await (await fetch('/settings.json')).json();
const client = await window.auth0.createAuth0Client({
  domain: settings.domain,
  clientId: settings.clientId,
  authorizationParams: { audience: settings.audience, redirect_uri: window.location.origin },
});

async function call(name) {
  const headers = {};
  if (await client.isAuthenticated()) {
    headers.Authorization = `Bearer ${await client.getTokenSilently()}`;
  }
  try {
    const answer = await fetch(`${settings.api}/api/messages/${name}`, { headers });
    const { message } = await answer.json();
    at('message').textContent = `${name}: ${answer.status} ${message}`;
  } catch {
    at('message').textContent = `${name}: the browser does not let this page read the answer`;
  }
}

const query = new URLSearchParams(window.location.search);
if (query.has('state') && (query.has('code') || query.has('error'))) {
  await client.handleRedirectCallback();
  window.history.replaceState({}, '', '/');
} else {
  await client.checkSession();
}

const user = await client.getUser();
at('user').textContent = user ? `Logged in as ${user.name}` : 'Logged out';
at('login').hidden = Boolean(user);
at('logout').hidden = !user;
at('login').addEventListener('click', () => client.loginWithRedirect());
at('logout').addEventListener('click', () => client.logout({
  logoutParams: { returnTo: window.location.origin },
}));
for (const button of document.querySelectorAll('[data-call]')) {
  button.addEventListener('click', () => call(button.dataset.call));
}
document.body.dataset.ready = 'true';

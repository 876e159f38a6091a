// A real OpenID Connect provider (oidc-provider) for one test: `node provider.mjs REDIRECT_URI SECRET`. It says its issuer on the first
// line of its output. Whoever is to be signed on next, and how the provider is to lie, is told by `POST /test` with
// {"account", "claims", "lie"}; nothing of that is part of the provider.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

const [redirect, secret] = process.argv.slice(2);
const next = { account: 'nobody', claims: {}, lie: '' };

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: 'one', use: 'sig', alg: 'RS256' };
const strange = (await generateKeyPair('RS256')).privateKey;

const provider = new Provider(issuer, {
  clients: [{ client_id: 'qingtian', client_secret: secret, redirect_uris: [redirect], grant_types: ['authorization_code'], response_types: ['code'] }],
  jwks: { keys: [jwk] },
  cookies: { keys: ['a test has no secrets'] },
  claims: { openid: ['sub', 'certificate'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...next.claims }) }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
});

/** The token with one thing that must not be believed. */
async function lied(token) {
  const claims = decodeJwt(token);
  const lies = {
    audience: { aud: 'another' },
    second: { aud: ['qingtian', 'another'] },
    issuer: { iss: `${issuer}/` },
    nonce: { nonce: 'another' },
    expired: { exp: claims.iat - 3600, iat: claims.iat - 7200 },
  };
  const key = next.lie === 'key' ? strange : privateKey;
  return new SignJWT({ ...claims, ...lies[next.lie] }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
}

provider.use(async (ctx, following) => {
  await following();
  if (ctx.oidc?.route === 'token' && ctx.body?.id_token && next.lie) {
    if (next.lie === 'none') delete ctx.body.id_token;
    else ctx.body.id_token = await lied(ctx.body.id_token);
  }
});

const answer = provider.callback();
server.on('request', async (request, response) => {
  try {
    if (request.url === '/test') {
      let text = '';
      for await (const chunk of request) text += chunk;
      Object.assign(next, { claims: {}, lie: '' }, JSON.parse(text));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } else if (request.url.startsWith('/interaction/')) {
      // Whoever comes is the account that the test named.
      await provider.interactionFinished(request, response, { login: { accountId: next.account } });
    } else {
      answer(request, response);
    }
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(String(error));
  }
});
console.log(issuer);

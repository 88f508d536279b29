// An OAuth server with rotating refresh tokens and PKCE, and an API behind it: `node server.js PORT`. Each grant, and each answer of the API, is a line of output.
// Access tokens live for LIFE seconds (600).
async function main() {
  const { Provider } = await import(require.resolve("oidc-provider"));
  const port = Number(process.argv[2]);
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "person",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: ["http://127.0.0.1/callback"],
      },
      {
        client_id: "machine",
        client_secret: "machine-S3cret/of+the-test",
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
        scope: "read",
      },
    ],
    scopes: ["openid", "offline_access", "read"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: true } },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    rotateRefreshToken: () => true,
    ttl: { AccessToken: Number(process.env.LIFE || 600), ClientCredentials: 600 },
    cookies: { keys: ["of a test"] },
  });
  provider.on("grant.success", (ctx) => console.log(`grant ${ctx.oidc.params.grant_type}`));
  provider.on("grant.error", (ctx, error) => console.log(`refused ${ctx.oidc?.params?.grant_type} ${error.error}`));
  provider.use(async (ctx, next) => {
    if (ctx.path !== "/api/me") return next();
    const value = (ctx.get("authorization").match(/^Bearer (.+)$/) || [])[1];
    const token = value && ((await provider.AccessToken.find(value)) || (await provider.ClientCredentials.find(value)));
    ctx.status = token && !token.isExpired ? 200 : 401;
    if (ctx.status === 401) ctx.set("www-authenticate", 'Bearer error="invalid_token"');
    ctx.body = ctx.status === 200 ? { who: token.accountId || token.clientId } : { error: "invalid_token" };
    console.log(`api ${ctx.status}`);
  });
  provider.listen(port, "127.0.0.1");
}

main();

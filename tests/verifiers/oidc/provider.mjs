// An identity provider for one test: npm's oidc-provider, whose person signs in and consents by
// themself. node provider.mjs <folder with node_modules> <port> <redirect> <subject>
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, port, redirect, subject] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "blockfeed",
      client_secret: "a secret that both know",
      redirect_uris: [redirect],
      application_type: "native",
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["of this test alone"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { prompt, params, session } = await provider.interactionDetails(context.req, context.res);
  let result = { login: { accountId: subject } };
  if (prompt.name !== "login") {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope("openid profile");
    result = { consent: { grantId: await grant.save() } };
  }
  const to = await provider.interactionResult(context.req, context.res, result, { mergeWithLastSubmission: true });
  context.redirect(to);
});

provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));

/** A token server for docker-registry: https://distribution.github.io/distribution/spec/auth/ and its OAuth2 variant. */
import { createPrivateKey, createSign, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type Certificate, derOf } from './certificates.ts';
import { closeServer, listenIn } from './listen-in.ts';

export interface TokenServerOptions {
  netns: string;
  /** Signs the tokens; docker-registry gets its certificate as `rootcertbundle`. */
  signer: Certificate;
  /** Passwords by user. A user may do everything, nobody may pull. */
  users: Record<string, string>;
  /** Serves HTTPS with this certificate. */
  tls?: Certificate;
  /** Answers `POST /token`, too, and gives identity (refresh) tokens (default true). */
  oauth?: boolean;
  /** Seconds that a token holds (default 60, the least that clients assume). */
  expiresIn?: number;
}

export interface TokenRequest {
  method: string;
  user: string | undefined;
  grant: string;
  scopes: string[];
  /** What identified the client, to look for in places where it must not be. */
  authorization: string | undefined;
}

export interface TokenServer {
  realm: string;
  service: string;
  issuer: string;
  /** Each token that was asked for, the refused ones too. */
  requests: TokenRequest[];
  /** The identity tokens that hold, by token; deleting one revokes it. */
  identities: Map<string, string>;
  close(): Promise<void>;
}

const service = 'wherry-test-registry';
const issuer = 'wherry-test-issuer';

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const identities = new Map<string, string>();
  const sign = await tokenSigner(options);
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    if (incoming.method === 'POST' && options.oauth === false) return void response.writeHead(404).end();
    const asked = await readRequest(incoming);
    const user = identify(asked, options.users, identities);
    requests.push({ method: incoming.method!, user, ...asked });
    if (user === undefined && asked.claimed) return refuse(response);
    const token = sign(user ?? '', asked.scopes);
    const identity = asked.wantsIdentity && user !== undefined && options.oauth !== false ? newIdentity() : undefined;
    if (identity) identities.set(identity, user!);
    const expiry = { expires_in: options.expiresIn ?? 60, issued_at: new Date().toISOString() };
    const name = incoming.method === 'POST' ? 'access_token' : 'token';
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ [name]: token, ...expiry, ...(identity && { refresh_token: identity }) }));
  };
  const handler = (incoming: IncomingMessage, response: ServerResponse) =>
    void answer(incoming, response).catch((error) => response.destroy(error));
  const server: Server = options.tls
    ? createTlsServer({ cert: await readFile(options.tls.cert), key: await readFile(options.tls.key) }, handler)
    : createServer(handler);
  const port = await listenIn(options.netns, server);
  const realm = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/token`;
  return { realm, service, issuer, requests, identities, close: () => closeServer(server) };
}

interface Asked {
  grant: string;
  scopes: string[];
  authorization: string | undefined;
  /** Whether the client says who it is. */
  claimed: boolean;
  wantsIdentity: boolean;
  login?: [user: string, password: string];
  refreshToken?: string;
}

async function readRequest(incoming: IncomingMessage): Promise<Asked> {
  const { authorization } = incoming.headers;
  if (incoming.method === 'POST') {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece);
    const form = new URLSearchParams(Buffer.concat(pieces).toString());
    const refreshToken = form.get('refresh_token') ?? undefined;
    return {
      grant: form.get('grant_type') ?? '',
      scopes: scopesOf(form),
      authorization,
      claimed: true,
      wantsIdentity: form.get('access_type') === 'offline',
      login: form.has('username') ? [form.get('username')!, form.get('password') ?? ''] : undefined,
      refreshToken,
    };
  }
  const query = new URL(incoming.url!, 'http://token').searchParams;
  const basic = Buffer.from(/^Basic (.*)$/.exec(authorization ?? '')?.[1] ?? '', 'base64').toString();
  const colon = basic.indexOf(':');
  return {
    grant: '',
    scopes: scopesOf(query),
    authorization,
    claimed: authorization !== undefined,
    wantsIdentity: query.get('offline_token') === 'true',
    login: colon > 0 ? [basic.slice(0, colon), basic.slice(colon + 1)] : undefined,
  };
}

const scopesOf = (values: URLSearchParams) =>
  values.getAll('scope').flatMap((scope) => scope.split(' ').filter(Boolean));

function identify({ login, refreshToken }: Asked, users: Record<string, string>, identities: Map<string, string>) {
  if (refreshToken !== undefined) return identities.get(refreshToken);
  return login && users[login[0]] === login[1] ? login[0] : undefined;
}

const newIdentity = () => `wherry-test-identity-${randomBytes(8).toString('hex')}`;

function refuse(response: ServerResponse): void {
  response.writeHead(401, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] }));
}

/** JSON Web Tokens as docker-registry reads them: ES256, with the signer's certificate in the head. */
async function tokenSigner({ signer, expiresIn = 60 }: TokenServerOptions) {
  const key = createPrivateKey(await readFile(signer.key));
  const header = encode({ typ: 'JWT', alg: 'ES256', x5c: [await derOf(signer.cert)] });
  return (user: string, scopes: string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const times = { exp: now + expiresIn, nbf: now - 10, iat: now };
    const access = scopes.flatMap((scope) => grant(user, scope) ?? []);
    const claims = encode({
      iss: issuer,
      sub: user,
      aud: service,
      ...times,
      jti: randomBytes(8).toString('hex'),
      access,
    });
    const signature = createSign('SHA256')
      .update(`${header}.${claims}`)
      .sign({ key, dsaEncoding: 'ieee-p1363' })
      .toString('base64url');
    return `${header}.${claims}.${signature}`;
  };
}

/** `repository:path:pull,push` -> what of it the user may do. */
function grant(user: string, scope: string) {
  const [type, ...rest] = scope.split(':');
  const actions = rest.pop()!.split(',');
  const allowed = user === '' ? actions.filter((action) => action === 'pull' && type === 'repository') : actions;
  return allowed.length > 0 ? { type, name: rest.join(':'), actions: allowed } : undefined;
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

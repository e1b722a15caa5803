import { createHash } from 'node:crypto';
import { invalid, unauthorized } from '#errors/errors.ts';
import { isLoopback, splitHost } from './addresses.ts';
import type { Agents } from './agents.ts';
import type { Challenge } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { exchange } from './exchange.ts';
import { replyError } from './reply-error.ts';
import { formatScope, type Scope } from './scopes.ts';

/** What a token server gave (distribution's `spec/auth/token.md` and `oauth.md`). */
export interface Token {
  access: string;
  /** ms since 1970. */
  expires: number;
  /** An identity token, when one was asked for and the server gives them. */
  identity: string | undefined;
}

export interface TokenRequest {
  challenge: Challenge;
  scopes: readonly Scope[];
  credentials: Credentials;
  /** Ask for an identity token as well: for a login. */
  offline?: boolean;
  signal?: AbortSignal;
}

const CLIENT_ID = 'docker';
/** Bytes. */
const MAX_REPLY = 1 << 20;
/** Seconds; the specification's default. */
const DEFAULT_LIFETIME = 60;
/** ms before its end at which a token counts as used up. */
const MARGIN = 10_000;

/** Access tokens, kept until shortly before they expire. */
export class Tokens {
  readonly #agents: Agents;
  readonly #userAgent: string;
  readonly #known = new Map<string, Token>();

  constructor(agents: Agents, userAgent: string) {
    this.#agents = agents;
    this.#userAgent = userAgent;
  }

  /** A token that is at hand. */
  find(request: TokenRequest): Token | undefined {
    const token = this.#known.get(keyOf(request));
    return token && token.expires > Date.now() ? token : undefined;
  }

  /** The token was refused. */
  forget(request: TokenRequest): void {
    this.#known.delete(keyOf(request));
  }

  /** Asks the server that the challenge names. Throws `unauthorized` when it refuses, `unavailable` when it fails. */
  async fetch(endpoint: Endpoint, request: TokenRequest): Promise<Token> {
    const token = await this.#ask(endpoint, request);
    for (const [key, { expires }] of this.#known) if (expires <= Date.now()) this.#known.delete(key);
    this.#known.set(keyOf(request), token);
    return token;
  }

  async #ask(endpoint: Endpoint, request: TokenRequest): Promise<Token> {
    const realm = realmOf(endpoint, request);
    const headers = { 'User-Agent': this.#userAgent, Accept: 'application/json' };
    const common = { headers, signal: request.signal };
    const query = queryOf(request);
    if (request.credentials.identityToken !== '') {
      query.set('grant_type', 'refresh_token');
      query.set('refresh_token', request.credentials.identityToken);
      if (request.offline) query.set('access_type', 'offline');
      const body = Buffer.from(query.toString());
      const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' };
      return readToken(
        await exchange(this.#agents, endpoint, { method: 'POST', url: realm, ...common, headers: form, body }),
      );
    }
    const authorization = basicHeader(request.credentials);
    for (const [name, value] of query) realm.searchParams.append(name, value);
    if (authorization) realm.searchParams.set('account', request.credentials.username);
    if (request.offline) realm.searchParams.set('offline_token', 'true');
    const all = authorization ? { ...headers, Authorization: authorization } : headers;
    return readToken(await exchange(this.#agents, endpoint, { method: 'GET', url: realm, ...common, headers: all }));
  }
}

/** A secret goes over plain HTTP only where the registry itself is reached so, or within this machine. */
function realmOf(endpoint: Endpoint, { challenge, credentials }: TokenRequest): URL {
  const text = challenge.parameters.get('realm') ?? '';
  const realm = URL.parse(text);
  if (!realm || !/^https?:$/.test(realm.protocol)) {
    throw invalid(`the registry ${endpoint.host} names no usable token server: "${text}"`);
  }
  const secret = credentials.identityToken !== '' || credentials.username !== '';
  if (secret && realm.protocol === 'http:' && !endpoint.insecure && !isLoopback(splitHost(realm.host).host)) {
    throw invalid(`the registry ${endpoint.host} wants credentials to be sent to ${realm.host} without TLS`, {
      hint: 'if that is meant so, list the registry in insecure-registries',
    });
  }
  return realm;
}

function queryOf({ challenge, scopes, credentials }: TokenRequest): URLSearchParams {
  const query = new URLSearchParams({ client_id: CLIENT_ID });
  const service = challenge.parameters.get('service');
  if (service) query.set('service', service);
  if (credentials.identityToken !== '') query.set('scope', scopes.map(formatScope).join(' '));
  else for (const scope of scopes) query.append('scope', formatScope(scope));
  return query;
}

async function readToken(reply: Awaited<ReturnType<typeof exchange>>): Promise<Token> {
  const asked = Date.now();
  if (reply.status !== 200) throw await replyError(reply);
  const text = (await reply.bytes(MAX_REPLY)).toString('utf8');
  const parsed = parseReply(text);
  const access = parsed?.token || parsed?.access_token;
  if (typeof access !== 'string')
    throw unauthorized(`authorization server ${reply.url.host} did not include a token in the response`);
  const given = Number(parsed?.expires_in);
  const lifetime = Number.isFinite(given) && given > 0 ? Math.max(given, DEFAULT_LIFETIME) : DEFAULT_LIFETIME;
  const identity =
    typeof parsed?.refresh_token === 'string' && parsed.refresh_token !== '' ? parsed.refresh_token : undefined;
  return { access, identity, expires: asked + lifetime * 1000 - MARGIN };
}

function parseReply(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Without the secrets themselves. */
function keyOf({ challenge, scopes, credentials, offline }: TokenRequest): string {
  const who = createHash('sha256').update(JSON.stringify(credentials)).digest('hex');
  const { parameters } = challenge;
  return JSON.stringify([parameters.get('realm'), parameters.get('service'), scopes.map(formatScope), who, offline]);
}

import type { OutgoingHttpHeaders } from 'node:http';
import type { Agents } from './agents.ts';
import { Authorizer } from './authorizer.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { type Body, exchange, type Method, type RegistryReply, resolveLocation } from './exchange.ts';
import type { Origins } from './origins.ts';
import { replyError } from './reply-error.ts';
import { withRetries } from './retry.ts';
import type { Scope } from './scopes.ts';
import type { RegistrySettings } from './settings.ts';
import type { Tokens } from './tokens.ts';

export interface SessionRequest {
  method: Method;
  /** A path from `/v2/` on, or where a reply led (`resolve`). */
  url: string | URL;
  headers?: OutgoingHttpHeaders;
  body?: Body;
  /** Statuses that are given back; others are thrown. Default: 200 to 299. */
  accept?: readonly number[];
  /** False: one try only, for what must not be done twice. */
  retry?: boolean;
  signal?: AbortSignal;
}

/** What all sessions of a client share. */
export interface SessionParts {
  settings: RegistrySettings;
  agents: Agents;
  tokens: Tokens;
  origins: Origins;
}

/** A conversation with one endpoint, in somebody's name, for the rights of `scopes`. */
export class Session {
  readonly endpoint: Endpoint;
  readonly #parts: SessionParts;
  readonly #authorizer: Authorizer;

  constructor(parts: SessionParts, endpoint: Endpoint, credentials: Credentials, scopes: readonly Scope[]) {
    this.endpoint = endpoint;
    this.#parts = parts;
    this.#authorizer = new Authorizer(parts.tokens, endpoint, credentials, scopes);
  }

  /** How often something is tried in all. */
  get attempts(): number {
    return this.#parts.settings.attempts;
  }

  /** ms before the second try. */
  get backOff(): number {
    return this.#parts.settings.backOff;
  }

  /**
   * Sends a request; authenticates when that is asked for; tries again what may pass. Throws what `replyError` makes of a
   * refusal, `unauthorized` without credentials, `unavailable` when the registry cannot be reached, `cancelled`.
   */
  async request(request: SessionRequest): Promise<RegistryReply> {
    const retries = { attempts: request.retry === false ? 1 : this.attempts, backOff: this.backOff };
    const reply = await withRetries(retries, request.signal, () => this.#authenticated(request));
    const { accept } = request;
    if (accept ? accept.includes(reply.status) : reply.status >= 200 && reply.status < 300) return reply;
    throw await replyError(reply);
  }

  /** `GET /v2/`: whether there is a registry that these credentials may speak to. */
  async ping(signal?: AbortSignal): Promise<void> {
    (await this.request({ method: 'GET', url: '/v2/', signal })).discard();
  }

  /**
   * Checks the credentials, as `docker login` does. Gives an identity token to keep instead of the password, '' when the
   * registry gives none. Throws `unauthorized`.
   */
  async login(signal?: AbortSignal): Promise<string> {
    await this.ping(signal);
    return this.#authorizer.identityToken(signal);
  }

  /** See `resolveLocation`. */
  resolve(location: string, reply: RegistryReply): URL {
    return resolveLocation(location, reply);
  }

  /** Rights beside those of the session, as for a mount from another repository. */
  addScope(scope: Scope): void {
    this.#authorizer.addScope(scope);
  }

  async #authenticated(request: SessionRequest): Promise<RegistryReply> {
    const origin = await this.#parts.origins.find(this.endpoint, request.signal);
    const url = typeof request.url === 'string' ? new URL(this.endpoint.prefix + request.url, origin) : request.url;
    const own = url.origin === origin;
    const header = own ? await this.#authorizer.header(request.signal) : undefined;
    const reply = await this.#send(request, url, header);
    if (reply.status !== 401 || !own || reply.url.origin !== origin) return reply;
    const other = await this.#authorizer.answer(reply, header, request.signal);
    if (other === undefined) return reply;
    reply.discard();
    return this.#send(request, url, other);
  }

  async #send(request: SessionRequest, url: URL, authorization: string | undefined): Promise<RegistryReply> {
    const { method, body, signal } = request;
    const headers = {
      'User-Agent': this.#parts.settings.userAgent,
      ...request.headers,
      ...(authorization && { Authorization: authorization }),
    };
    return exchange(this.#parts.agents, this.endpoint, { method, url, headers, body, signal });
  }
}

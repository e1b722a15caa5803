import { unauthorized } from '#errors/errors.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import type { RegistryReply } from './exchange.ts';
import { mergeScopes, parseScopes, type Scope } from './scopes.ts';
import type { TokenRequest, Tokens } from './tokens.ts';

/** Makes the `Authorization` of a session's requests: what the registry asked for last, with the session's credentials. */
export class Authorizer {
  readonly #tokens: Tokens;
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;
  #scopes: Scope[];
  #challenge: Challenge | undefined;

  constructor(tokens: Tokens, endpoint: Endpoint, credentials: Credentials, scopes: readonly Scope[]) {
    this.#tokens = tokens;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#scopes = mergeScopes(scopes);
  }

  addScope(scope: Scope): void {
    this.#scopes = mergeScopes([...this.#scopes, scope]);
  }

  /** The header to send, undefined while nothing was asked for. Throws as `Tokens.fetch` does. */
  async header(signal?: AbortSignal): Promise<string | undefined> {
    if (this.#credentials.registryToken !== '') return `Bearer ${this.#credentials.registryToken}`;
    if (this.#challenge?.scheme !== 'bearer') return this.#challenge && basicHeader(this.#credentials);
    const request = this.#tokenRequest(this.#challenge, signal);
    const token = this.#tokens.find(request) ?? (await this.#tokens.fetch(this.#endpoint, request));
    return `Bearer ${token.access}`;
  }

  /**
   * Takes up what a 401 asks for; `sent` is the header that was refused. Gives the header to try again with, undefined
   * when there is no other. Throws `unauthorized` when credentials are asked for and there are none.
   */
  async answer(reply: RegistryReply, sent: string | undefined, signal?: AbortSignal): Promise<string | undefined> {
    const challenge = chooseChallenge(reply);
    if (!challenge || this.#credentials.registryToken !== '') return undefined;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic' && this.#credentials.username === '') {
      throw unauthorized(`${reply.title}: no basic auth credentials`, {
        code: 'UNAUTHORIZED',
        hint: 'log in to the registry',
      });
    }
    const { parameters } = challenge;
    if (this.#scopes.length === 0 || parameters.get('error') === 'insufficient_scope') {
      this.#scopes = mergeScopes([...this.#scopes, ...parseScopes(parameters.get('scope') ?? '')]);
    }
    if (challenge.scheme === 'bearer' && sent) this.#tokens.forget(this.#tokenRequest(challenge));
    const header = await this.header(signal);
    return header === sent ? undefined : header;
  }

  /** An identity token for these credentials, '' when the registry gives none. Throws as `Tokens.fetch` does. */
  async identityToken(signal?: AbortSignal): Promise<string> {
    if (this.#challenge?.scheme !== 'bearer' || this.#credentials.registryToken !== '') return '';
    const request = { ...this.#tokenRequest(this.#challenge, signal), offline: true };
    return (await this.#tokens.fetch(this.#endpoint, request)).identity ?? '';
  }

  #tokenRequest(challenge: Challenge, signal?: AbortSignal): TokenRequest {
    return { challenge, scopes: this.#scopes, credentials: this.#credentials, signal };
  }
}

/** Tokens before passwords. */
function chooseChallenge({ headers }: RegistryReply): Challenge | undefined {
  const offered = parseChallenges(headers['www-authenticate'] ?? '');
  return offered.find(({ scheme }) => scheme === 'bearer') ?? offered.find(({ scheme }) => scheme === 'basic');
}

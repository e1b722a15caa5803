import type { AuthConfig } from '#api/types/registry.ts';
import type { Reference } from '#lib/reference.ts';
import { Agents } from './agents.ts';
import { credentialsFrom } from './credentials.ts';
import { originOf, pullEndpoints } from './endpoints.ts';
import { Origins } from './origins.ts';
import { repositoryScope, type Scope } from './scopes.ts';
import { Session, type SessionParts } from './session.ts';
import { DEFAULT_SETTINGS, type RegistrySettings } from './settings.ts';
import { Tokens } from './tokens.ts';

/** The client of all registries: one for the engine. It holds connections and tokens, no other state. */
export class RegistryClient {
  readonly #parts: SessionParts;

  constructor(settings: Partial<RegistrySettings> = {}) {
    const complete = { ...DEFAULT_SETTINGS, ...settings };
    const agents = new Agents(complete);
    const tokens = new Tokens(agents, complete.userAgent);
    this.#parts = { settings: complete, agents, tokens, origins: new Origins(agents) };
  }

  get settings(): RegistrySettings {
    return this.#parts.settings;
  }

  /** A session with the registry of `domain` itself: to push, log in, search. */
  session(domain: string, auth?: AuthConfig, scopes: readonly Scope[] = []): Session {
    return new Session(this.#parts, originOf(domain, this.settings), credentialsFrom(auth), scopes);
  }

  /** A session for each place to pull a repository from, in the order to ask them. Mirrors get no credentials. */
  pullSessions({ domain, path }: Pick<Reference, 'domain' | 'path'>, auth?: AuthConfig): Session[] {
    const scopes = [repositoryScope(path, 'pull')];
    return pullEndpoints(domain, this.settings).map(
      (endpoint) => new Session(this.#parts, endpoint, credentialsFrom(endpoint.mirror ? undefined : auth), scopes),
    );
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#parts.agents.close();
  }
}

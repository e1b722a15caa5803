import type { Agents } from './agents.ts';
import type { Endpoint } from './endpoints.ts';
import { exchange, type RegistryReply } from './exchange.ts';

/** ms after which it is found out again how a registry is reached. */
const VALID = 60_000;

/** How registries that may be without TLS are reached. */
export class Origins {
  readonly #agents: Agents;
  readonly #found = new Map<string, { origin: string; until: number }>();

  constructor(agents: Agents) {
    this.#agents = agents;
  }

  /** The first of the endpoint's origins that answers. Throws `unavailable` when none does, `cancelled`. */
  async find({ origins, ...endpoint }: Endpoint, signal?: AbortSignal): Promise<string> {
    if (origins.length === 1) return origins[0]!;
    const known = this.#found.get(endpoint.host);
    if (known && known.until > Date.now()) return known.origin;
    this.#found.delete(endpoint.host);
    let failure: unknown;
    for (const origin of origins) {
      const url = new URL(`${endpoint.prefix}/v2/`, origin);
      try {
        const reply = await exchange(
          this.#agents,
          { ...endpoint, origins },
          { method: 'GET', url, headers: {}, signal },
        );
        reply.discard();
        if (origin !== origins.at(-1) && wantsTls(reply)) continue;
        this.#found.set(endpoint.host, { origin, until: Date.now() + VALID });
        return origin;
      } catch (error) {
        if (signal?.aborted) throw error;
        // As dockerd, whose last try is the one without TLS.
        if (!failure || url.protocol === 'http:') failure = error;
      }
    }
    throw failure;
  }
}

/** What a server that speaks TLS answers to plain HTTP, if it answers at all. */
function wantsTls({ status, url }: RegistryReply): boolean {
  return status === 400 && url.protocol === 'http:';
}

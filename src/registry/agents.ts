import type { Agent } from 'node:http';
import type { AgentOptions } from 'node:https';
import { http, https } from '#lib/node-http.ts';
import { readCertificates } from './certificates.ts';
import type { Endpoint } from './endpoints.ts';
import { proxyFor } from './proxy.ts';
import type { RegistrySettings } from './settings.ts';

/** ms without a byte after which a connection counts as dead. */
const IDLE = 60_000;
/** ms that an unused connection is kept. */
const KEEP = 15_000;

/** Connections, kept for further requests; one pool for each way to a host. */
export class Agents {
  readonly #settings: RegistrySettings;
  readonly #pools = new Map<string, Promise<Agent>>();

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  /**
   * The pool for requests to `url` that an endpoint leads to. Other hosts (token servers, storage) are trusted as their
   * own certificates say, and as lax as the endpoint; the endpoint's client certificates are not shown to them.
   */
  for(url: URL, endpoint: Pick<Endpoint, 'host' | 'insecure'>): Promise<Agent> {
    const key = [url.origin, endpoint.host, endpoint.insecure].join(' ');
    let pool = this.#pools.get(key);
    if (!pool) {
      pool = this.#make(url, endpoint);
      this.#pools.set(key, pool);
      pool.catch(() => this.#pools.delete(key));
    }
    return pool;
  }

  /** Ends connections that nobody uses. */
  async close(): Promise<void> {
    for (const pool of this.#pools.values()) (await pool.catch(() => undefined))?.destroy();
    this.#pools.clear();
  }

  async #make(url: URL, endpoint: Pick<Endpoint, 'host' | 'insecure'>): Promise<Agent> {
    const proxy = proxyFor(url, this.#settings.proxies);
    const options: AgentOptions = {
      keepAlive: true,
      keepAliveMsecs: KEEP,
      timeout: IDLE,
      ...(proxy && { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
    };
    if (url.protocol === 'http:') return new (http().Agent)(options);
    return new (https().Agent)({ ...options, ...(await this.#trust(url, endpoint)) });
  }

  async #trust(url: URL, endpoint: Pick<Endpoint, 'host' | 'insecure'>): Promise<AgentOptions> {
    const folders = this.#settings.certificateFolders;
    const own = await readCertificates(url.host, folders);
    const shared = url.host === endpoint.host ? own : await readCertificates(endpoint.host, folders);
    const authorities = [...new Set([...own.authorities, ...shared.authorities])];
    return {
      rejectUnauthorized: !endpoint.insecure,
      ...(authorities.length > 0 && { ca: [...systemAuthorities(), ...authorities] }),
      ...(own.clients.length > 0 && {
        cert: own.clients.map(({ cert }) => cert),
        key: own.clients.map(({ key }) => key),
      }),
    };
  }
}

const systemAuthorities = () => process.getBuiltinModule('node:tls').getCACertificates('default');

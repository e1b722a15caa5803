import type { EndpointOptions } from '#api/client/endpoint.ts';
import type { ClientConfig } from '../config/config-file.ts';
import { CommandError } from '../errors.ts';

/** The daemon that the environment names, or the system's own: no entry of the store. */
export const DEFAULT_CONTEXT = 'default';

/** What decides which context is meant. */
export interface ContextChoice {
  /** `--context` */
  flag: string | undefined;
  /** `--host`; its presence means the default context. */
  host: EndpointOptions['host'];
  env: Record<string, string | undefined>;
}

/**
 * The name of the context to use: `--context`, else none with `--host`, `WHERRY_HOST` or `DOCKER_HOST`, else
 * `DOCKER_CONTEXT`, else the one that `context use` chose. Throws CommandError for two contradicting flags.
 */
export function contextName({ flag, host, env }: ContextChoice, config: ClientConfig): string {
  if (flag && host) throw new CommandError('conflicting options: cannot specify both --host and --context');
  if (flag) return flag;
  if (host || env.WHERRY_HOST || env.DOCKER_HOST) return DEFAULT_CONTEXT;
  return env.DOCKER_CONTEXT || config.currentContext || DEFAULT_CONTEXT;
}

import type { Config } from '#api/types/container-config.ts';

/** The search path of a container whose image sets none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment of a container's first process: PATH, HOSTNAME and (with a terminal) TERM, then the configuration's
 * variables, which replace in place or take away (a bare name). HOME is left to the runtime, which knows the user.
 */
export function containerEnvironment(config: Config): string[] {
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${config.Hostname}`, ...(config.Tty ? ['TERM=xterm'] : [])];
  return overrideEnvironment(defaults, config.Env ?? []);
}

/** `base` with every variable of `overrides` replaced in place, appended, or (bare name) taken away. */
export function overrideEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const variables = new Map(base.map((entry) => [variableName(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes('=')) variables.set(variableName(entry), entry);
    else variables.delete(entry);
  }
  return [...variables.values()];
}

/** The part before the first `=`, or all of it. */
export function variableName(entry: string): string {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
}

import type { HealthConfig } from '#api/types/container-config.ts';
import type { LogConfig, RestartPolicy, Ulimit } from '#api/types/host-config.ts';
import type { Int64 } from '#api/types/scalar.ts';
import { CommandError } from '../errors.ts';
import type { ValueType } from '../flags/types.ts';
import { narrow } from '../flags/values.ts';
import { pairsOf } from './environment.ts';

const refuse = (message: string) => new CommandError(message, { exitCode: 125 });

/** `--restart no|always|unless-stopped|on-failure[:count]` */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [name = '', count] = text.split(/:(.*)/s);
  if (text !== '' && name === '') throw refuse('invalid restart policy format: no policy provided before colon');
  if (count !== undefined && !/^-?\d+$/.test(count)) {
    throw refuse('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name: name as RestartPolicy['Name'], MaximumRetryCount: Number(count ?? 0) };
}

/** `--log-driver`, `--log-opt` */
export function parseLogConfig(driver: string, options: string[]): LogConfig {
  if (driver === 'none' && options.length > 0) throw refuse(`invalid logging opts for driver ${driver}`);
  return { Type: driver, Config: pairsOf(options) };
}

/** `--storage-opt` */
export function parseStorageOptions(options: string[]): Record<string, string> {
  for (const option of options) if (!option.includes('=')) throw refuse('invalid storage option');
  return pairsOf(options);
}

export interface HealthFlags {
  command: string;
  disabled: boolean;
  /** Nanoseconds. */
  interval: Int64;
  timeout: Int64;
  startPeriod: Int64;
  startInterval: Int64;
  retries: number;
}

/** `--health-*`, `--no-healthcheck`; undefined leaves the image's own. */
export function parseHealthcheck(flags: HealthFlags): HealthConfig | undefined {
  const { command, disabled, interval, timeout, startPeriod, startInterval, retries } = flags;
  const config: HealthConfig = {};
  if (command) config.Test = ['CMD-SHELL', command];
  for (const [field, flag, value] of [
    ['Interval', 'interval', interval],
    ['Timeout', 'timeout', timeout],
    ['StartPeriod', 'start-period', startPeriod],
    ['StartInterval', 'start-interval', startInterval],
    ['Retries', 'retries', retries],
  ] as const) {
    if (value < 0) throw refuse(`--health-${flag} cannot be negative`);
    if (value > 0) Object.assign(config, { [field]: value });
  }
  const isSet = Object.keys(config).length > 0;
  if (disabled && isSet) throw refuse('--no-healthcheck conflicts with --health-* options');
  return disabled ? { Test: ['NONE'] } : isSet ? config : undefined;
}

const ulimitNames = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
);

/** `--ulimit name=soft[:hard]`; a later one of the same name wins. */
export const ulimits: ValueType<Ulimit[]> = {
  name: 'ulimit',
  initial: [],
  set(previous, text) {
    const limit = parseUlimit(text);
    return [...previous.filter(({ Name }) => Name !== limit.Name), limit];
  },
};

function parseUlimit(text: string): Ulimit {
  const [, name, soft, hard = soft] = /^([^=]*)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === undefined || soft === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const [Soft, Hard] = [narrow(BigInt(soft)), narrow(BigInt(hard!))];
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Hard, Soft };
}

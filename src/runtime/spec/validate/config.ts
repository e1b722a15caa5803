import type { Config, HealthConfig } from '#api/types/container-config.ts';
import { invalid } from '#errors/errors.ts';
import { parseSignal } from '#lib/signal.ts';
import { commandOf } from '../process.ts';

/** Bytes that the kernel keeps of a host or domain name (include/uapi/linux/utsname.h). */
const MAX_NAME = 64;

/** Nanoseconds: the shortest time between or for health checks. */
const MIN_DURATION = 1_000_000n;

/** Throws `invalid` in Docker's words for the first thing wrong with a merged configuration. */
export function checkConfig(config: Config): void {
  if (commandOf(config).length === 0) throw invalid('no command specified');
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  for (const entry of config.Env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalid(`invalid environment variable: ${entry}`);
  }
  checkName('hostname', config.Hostname);
  checkName('domain name', config.Domainname);
  if (config.StopSignal) parseSignal(config.StopSignal);
  if (config.Healthcheck) checkHealth(config.Healthcheck);
}

function checkName(what: string, name: string): void {
  if (Buffer.byteLength(name) > MAX_NAME) {
    throw invalid(`invalid ${what}: ${name}`, { hint: `The kernel keeps at most ${MAX_NAME} bytes.` });
  }
}

function checkHealth(health: HealthConfig): void {
  const durations = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const;
  for (const field of durations) {
    const value = BigInt(health[field] ?? 0);
    if (value !== 0n && value < MIN_DURATION) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
}

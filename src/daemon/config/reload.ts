import { hostname } from 'node:os';
import { join } from 'node:path';
import { isEngineError } from '#errors/errors.ts';
import { RegistryClient } from '#registry/client.ts';
import type { Engine } from '../engine.ts';
import { PRODUCT } from '../product.ts';
import { findRuntimes } from '../runtimes.ts';
import { type DaemonConfig, loadConfig } from './config.ts';
import type { OptionValues } from './config-sources.ts';

/**
 * Which of the configuration's fields a running engine takes over, by the flags that they come from: those of dockerd, and
 * defaults of containers that are made from then on.
 */
const RELOADABLE: Readonly<Record<string, keyof DaemonConfig>> = {
  ...{ debug: 'logLevel', 'log-level': 'logLevel', label: 'labels' },
  ...{ 'live-restore': 'liveRestore', 'shutdown-timeout': 'shutdownTimeout' },
  ...{ 'add-runtime': 'runtimes', 'default-runtime': 'runtimes' },
  ...{ 'insecure-registry': 'registries', 'registry-mirror': 'registries', 'registry-certs': 'registries' },
  ...{ 'http-proxy': 'registries', 'https-proxy': 'registries', 'no-proxy': 'registries' },
  ...{ 'max-download-attempts': 'registries', 'max-concurrent-downloads': 'maxDownloads' },
  ...{ 'max-concurrent-uploads': 'maxUploads' },
  ...{ 'default-shm-size': 'defaultShmSize', 'default-ipc-mode': 'defaultIpcMode', init: 'init' },
  ...{ 'default-cgroupns-mode': 'defaultCgroupnsMode', 'default-ulimit': 'defaultUlimits' },
  ...{ 'log-driver': 'logDriver', 'log-opt': 'logOpts' },
  ...{ dns: 'dns', 'dns-search': 'dnsSearch', 'dns-opt': 'dnsOptions' },
};

/**
 * Reads the configuration again, with the flags `argv`, and takes over what can change while the engine runs; what cannot
 * is named in the log. One that is wrong anywhere changes nothing, and the log says why. `keep` is given the options that
 * now count.
 */
export async function reloadConfig(
  engine: Engine,
  argv: readonly string[],
  keep: (options: OptionValues) => Promise<void>,
): Promise<void> {
  const { log } = engine;
  try {
    const next = await loadConfig(argv);
    const changed = changedFlags(engine.config.options, next.options);
    const reloaded = changed.filter((flag) => RELOADABLE[flag]);
    await apply(engine, next, new Set(reloaded.map((flag) => RELOADABLE[flag]!)));
    await keep(engine.config.options);
    const waiting = changed.filter((flag) => !RELOADABLE[flag]);
    if (waiting.length > 0) log.warn(`not reloaded, as it takes another start of the daemon: ${waiting.join(', ')}`);
    log.info('the configuration was reloaded', { changed: reloaded.join(', ') });
    engine.events.publish('daemon', 'reload', engine.id, attributes(engine));
  } catch (error) {
    if (!isEngineError(error)) throw error;
    log.error(`the configuration was not reloaded: ${error.message}`, { hint: error.hint });
  }
}

function changedFlags(before: OptionValues, after: OptionValues): string[] {
  const flags = new Set([...before.keys(), ...after.keys()]);
  return [...flags].filter((flag) => JSON.stringify(before.get(flag)) !== JSON.stringify(after.get(flag))).sort();
}

/** What can fail comes first. */
async function apply(engine: Engine, next: DaemonConfig, fields: ReadonlySet<keyof DaemonConfig>): Promise<void> {
  const { launcher, log, paths } = engine;
  if (fields.has('runtimes')) {
    engine.runtimes = await findRuntimes(next.runtimes, join(paths.execRoot, 'probe'), launcher, log);
  }
  // pulls that are under way go on with the client that they have
  if (fields.has('registries')) {
    engine.registry = new RegistryClient({ ...next.registries, userAgent: `wherry/${PRODUCT.version}` });
  }
  engine.graph.limitTransfers(next.maxDownloads, next.maxUploads);
  const taken = Object.fromEntries([...fields].map((field) => [field, next[field]]));
  const options = new Map(engine.config.options);
  for (const [flag, field] of Object.entries(RELOADABLE)) {
    if (!fields.has(field)) continue;
    const value = next.options.get(flag);
    if (value === undefined) options.delete(flag);
    else options.set(flag, value);
  }
  engine.config = { ...engine.config, ...taken, options };
}

/** What the event of dockerd tells, in its form. */
function attributes({ config, runtimes }: Engine): Record<string, string> {
  const { registries, options } = config;
  const programs = [...runtimes.programs].map(([name, { path }]) => `${name}:${path}`);
  return {
    debug: String(config.logLevel === 'debug'),
    'default-cgroupns-mode': config.defaultCgroupnsMode ?? '',
    'default-ipc-mode': config.defaultIpcMode,
    'default-runtime': runtimes.default,
    'default-shm-size': String(config.defaultShmSize),
    'insecure-registries': JSON.stringify(registries.insecureRegistries),
    labels: JSON.stringify(config.labels),
    'live-restore': String(config.liveRestore),
    'max-concurrent-downloads': String(config.maxDownloads),
    'max-concurrent-uploads': String(config.maxUploads),
    'max-download-attempts': String(registries.attempts),
    name: hostname(),
    'registry-mirrors': JSON.stringify(options.get('registry-mirror') ?? []),
    runtimes: programs.join(' '),
    'shutdown-timeout': String(config.shutdownTimeout),
  };
}

import { resolve } from 'node:path';
import type { Ulimit } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import { DRIVERS, type DriverName } from '#graphdriver/driver.ts';
import type { LogLevel } from '#lib/log.ts';
import { parseSize } from '#lib/size.ts';
import { type CgroupDriver, containerCgroup } from '#linux/cgroup-paths.ts';
import { parseAddressPool } from '#network/ipam.ts';
import type { NetworkSettings } from '#network/settings.ts';
import { parseMirrors } from '#registry/endpoints.ts';
import { DEFAULT_SETTINGS, proxiesFrom, type RegistrySettings } from '#registry/settings.ts';
import type { RuntimeSettings } from '../runtimes.ts';
import { CONFIG_OPTIONS } from './config-options.ts';
import { mergeSources, type OptionValues, parseFlags, type RuntimeOption, readConfigFile } from './config-sources.ts';

/** The daemon's configuration, complete and checked. Paths are absolute. */
export interface DaemonConfig {
  /** What to do besides serving: nothing else. */
  action: 'serve' | 'validate' | 'version' | 'help';
  hosts: string[];
  /** Who may use the unix socket; `required` when it was named. */
  group: { name: string; required: boolean };
  tls: { enabled: boolean; verify: boolean; caCert?: string; cert?: string; key?: string };
  dataRoot: string;
  execRoot: string;
  pidFile: string;
  storageDriver?: DriverName;
  logLevel: LogLevel;
  logFormat: 'text' | 'json';
  runtimes: RuntimeSettings;
  cgroupDriver: CgroupDriver;
  /** Empty = the driver's own. */
  cgroupParent: string;
  init: boolean;
  initPath?: string;
  /** A later folder's devices replace those of an earlier one. */
  cdiSpecDirs: string[];
  /** Bytes. */
  defaultShmSize: number;
  defaultIpcMode: string;
  defaultCgroupnsMode?: 'host' | 'private';
  defaultUlimits: Ulimit[];
  logDriver: string;
  logOpts: Record<string, string>;
  seccompProfile: string;
  network: Partial<NetworkSettings>;
  hostGatewayAddress?: string;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  labels: string[];
  registries: Pick<RegistrySettings, 'insecureRegistries' | 'mirrors' | 'certificateFolders' | 'proxies' | 'attempts'>;
  maxDownloads: number;
  maxUploads: number;
  compressedLayers: 'discard' | 'keep';
  /** How layers are compressed that are pushed. */
  pushCompression: 'gzip' | 'zstd';
  experimental: boolean;
  liveRestore: boolean;
  /** Seconds. */
  shutdownTimeout: number;
  /** What was accepted without effect, for the log. */
  notes: string[];
  /** What all this was made from. */
  options: OptionValues;
}

const DEFAULT_FILE = '/etc/wherry/daemon.json';

/** What the command line asks for besides serving. Throws `invalid` as `loadConfig`. */
export function requestedAction(argv: readonly string[]): DaemonConfig['action'] {
  const flags = parseFlags(argv);
  return (['help', 'version', 'validate'] as const).find((flag) => flags.get(flag) === true) ?? 'serve';
}

/** The configuration from the command line and daemon.json. Throws `invalid` that names the option and the file. */
export async function loadConfig(argv: readonly string[]): Promise<DaemonConfig> {
  const flags = parseFlags(argv);
  const named = flags.get('config-file') as string | undefined;
  const path = named ?? DEFAULT_FILE;
  return buildConfig(mergeSources(flags, await readConfigFile(path, named !== undefined), path));
}

/** The typed form of what the sources say. Throws `invalid` for what this engine cannot do. */
export function buildConfig(values: OptionValues): DaemonConfig {
  refuseUnsupported(values);
  const text = (flag: string) => values.get(flag) as string | undefined;
  const bool = (flag: string, fallback: boolean) => (values.get(flag) as boolean | undefined) ?? fallback;
  const list = (flag: string) => (values.get(flag) as string[] | undefined) ?? [];
  const map = (flag: string) => (values.get(flag) as Record<string, string> | undefined) ?? {};
  const path = (flag: string, fallback: string) => resolve(text(flag) ?? fallback);
  const action = (['help', 'version', 'validate'] as const).find((flag) => bool(flag, false)) ?? 'serve';
  const verify = bool('tlsverify', false);
  return {
    action,
    hosts: list('host').length > 0 ? list('host').map(completeHost) : ['unix:///var/run/wherry.sock'],
    group: { name: text('group') ?? 'docker', required: values.has('group') },
    tls: {
      enabled: verify || bool('tls', false),
      verify,
      caCert: text('tlscacert'),
      cert: text('tlscert'),
      key: text('tlskey'),
    },
    dataRoot: path('data-root', '/var/lib/wherry'),
    execRoot: path('exec-root', '/run/wherry'),
    pidFile: path('pidfile', '/var/run/wherry.pid'),
    storageDriver: oneOf(text('storage-driver') || undefined, DRIVERS, '--storage-driver'),
    logLevel: bool('debug', false) ? 'debug' : logLevel(text('log-level') ?? 'info'),
    logFormat: oneOf(text('log-format'), ['text', 'json'], '--log-format') ?? 'text',
    runtimes: { defaultRuntime: text('default-runtime'), added: addedRuntimes(values) },
    ...cgroupSettings(values),
    init: bool('init', false),
    initPath: text('init-path'),
    cdiSpecDirs: list('cdi-spec-dir').length > 0 ? list('cdi-spec-dir') : ['/etc/cdi', '/var/run/cdi'],
    defaultShmSize: size(text('default-shm-size') ?? '64m', '--default-shm-size'),
    defaultIpcMode: oneOf(text('default-ipc-mode'), ['private', 'shareable'], '--default-ipc-mode') ?? 'private',
    defaultCgroupnsMode: oneOf(text('default-cgroupns-mode'), ['host', 'private'], '--default-cgroupns-mode'),
    defaultUlimits: list('default-ulimit').map(parseUlimit),
    logDriver: oneOf(text('log-driver'), ['json-file', 'local', 'none'], '--log-driver') ?? 'json-file',
    logOpts: map('log-opt'),
    seccompProfile: text('seccomp-profile') ?? 'builtin',
    network: networkSettings(values),
    hostGatewayAddress: text('host-gateway-ip'),
    dns: list('dns'),
    dnsSearch: list('dns-search'),
    dnsOptions: list('dns-opt'),
    labels: list('label'),
    registries: registrySettings(values),
    maxDownloads: positive(values, 'max-concurrent-downloads', 3),
    compressedLayers: oneOf(text('compressed-layers'), ['discard', 'keep'], '--compressed-layers') ?? 'discard',
    maxUploads: positive(values, 'max-concurrent-uploads', 5),
    pushCompression: oneOf(text('push-compression'), ['gzip', 'zstd'], '--push-compression') ?? 'gzip',
    experimental: bool('experimental', false),
    liveRestore: bool('live-restore', true),
    shutdownTimeout: (values.get('shutdown-timeout') as number | undefined) ?? 15,
    notes: CONFIG_OPTIONS.flatMap(({ flag, ignored }) =>
      ignored && values.has(flag) ? [`--${flag} has no effect: ${ignored}`] : [],
    ),
    options: values,
  };
}

/** An option that is set to what it is without it asks for nothing. */
function refuseUnsupported(values: OptionValues): void {
  for (const { flag, refused } of CONFIG_OPTIONS) {
    const value = values.get(flag);
    const asks = typeof value === 'object' ? Object.keys(value).length > 0 : Boolean(value);
    if (refused && asks) throw invalid(`${flag} is not supported`, { hint: refused });
  }
}

function cgroupSettings(values: OptionValues): Pick<DaemonConfig, 'cgroupDriver' | 'cgroupParent'> {
  let cgroupDriver: CgroupDriver = 'cgroupfs';
  for (const option of (values.get('exec-opt') as string[] | undefined) ?? []) {
    const driver = /^native\.cgroupdriver=(.*)$/.exec(option)?.[1];
    if (driver === undefined) {
      throw invalid(`exec-opt ${option} is not supported`, { hint: 'The only one is native.cgroupdriver.' });
    }
    cgroupDriver = oneOf(driver, ['cgroupfs', 'systemd'], 'native.cgroupdriver')!;
  }
  const cgroupParent = (values.get('cgroup-parent') as string | undefined) ?? '';
  containerCgroup(cgroupDriver, cgroupParent, ''); // throws for a parent that the driver cannot have
  return { cgroupDriver, cgroupParent };
}

/** A short host means TCP; a bare path a unix socket. */
function completeHost(host: string): string {
  if (host.includes('://')) return host;
  return host.startsWith('/') ? `unix://${host}` : `tcp://${host}`;
}

function networkSettings(values: OptionValues): Partial<NetworkSettings> {
  const names: [keyof NetworkSettings, string][] = [
    ['bridge', 'bridge'],
    ['bip', 'bip'],
    ['fixedCidr', 'fixed-cidr'],
    ['mtu', 'mtu'],
    ['ipForward', 'ip-forward'],
    ['icc', 'icc'],
    ['ipMasquerade', 'ip-masq'],
    ['publishAddress', 'ip'],
  ];
  const pools = ((values.get('default-address-pool') as string[] | undefined) ?? []).map(parseAddressPool);
  return {
    ...Object.fromEntries(names.flatMap(([name, flag]) => (values.has(flag) ? [[name, values.get(flag)]] : []))),
    ...(pools.length > 0 && { addressPools: pools }),
  };
}

/** A flag names the program; the file has dockerd's form. */
function addedRuntimes(values: OptionValues): RuntimeSettings['added'] {
  const given = (values.get('add-runtime') ?? {}) as Record<string, string | RuntimeOption>;
  return Object.fromEntries(
    Object.entries(given).map(([name, runtime]) => [
      name,
      typeof runtime === 'string'
        ? { path: runtime, args: [] }
        : { path: runtime.path, args: runtime.runtimeArgs ?? [] },
    ]),
  );
}

function registrySettings(values: OptionValues): DaemonConfig['registries'] {
  const list = (flag: string) => (values.get(flag) as string[] | undefined) ?? [];
  const text = (flag: string) => (values.get(flag) as string | undefined) || undefined;
  const folder = text('registry-certs');
  return {
    insecureRegistries: list('insecure-registry'),
    mirrors: parseMirrors(list('registry-mirror')),
    certificateFolders: folder ? [resolve(folder)] : DEFAULT_SETTINGS.certificateFolders,
    proxies: proxiesFrom(process.env, { http: text('http-proxy'), https: text('https-proxy'), no: text('no-proxy') }),
    attempts: positive(values, 'max-download-attempts', DEFAULT_SETTINGS.attempts),
  };
}

function positive(values: OptionValues, flag: string, fallback: number): number {
  const value = (values.get(flag) as number | undefined) ?? fallback;
  if (Number.isInteger(value) && value > 0) return value;
  throw invalid(`invalid value "${value}" for --${flag}`, { hint: 'It takes a number from 1 on.' });
}

function oneOf<T extends string>(value: string | undefined, accepted: readonly T[], where: string): T | undefined {
  if (value === undefined || accepted.includes(value as T)) return value as T | undefined;
  throw invalid(`invalid value "${value}" for ${where}`, { hint: `Use ${accepted.join(' or ')}.` });
}

function logLevel(text: string): LogLevel {
  return oneOf(text.replace(/^(fatal|panic)$/, 'error'), ['debug', 'info', 'warn', 'error'], '--log-level')!;
}

function size(text: string, where: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes <= 0)
    throw invalid(`invalid size "${text}" for ${where}`, { hint: 'Write 64m or 1g.' });
  return bytes;
}

/** `nofile=1024:2048`; one number is both. */
function parseUlimit(text: string): Ulimit {
  const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
  if (!match) throw invalid(`invalid ulimit "${text}"`, { hint: 'Write NAME=SOFT[:HARD], as in nofile=1024:2048.' });
  return { Name: match[1]!, Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

/** The text of `wherryd --help`. */
export function configHelp(): string {
  const lines = CONFIG_OPTIONS.filter(({ ignored, refused }) => !ignored && !refused).map(
    ({ flag, short, kind, help }) => {
      const value = { text: ' text', bool: '', number: ' number', list: ' value', map: ' key=value' }[kind];
      return `  ${short ? `-${short}, ` : '    '}${`--${flag}${value}`.padEnd(34)}${help}`;
    },
  );
  return `Usage: wherryd [flags]\n\nThe wherry container engine.\n\nFlags:\n${lines.sort().join('\n')}\n`;
}

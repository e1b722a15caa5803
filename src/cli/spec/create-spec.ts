import type { ContainerSpec } from '#api/client/containers.ts';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig, Resources } from '#api/types/host-config.ts';
import { CommandError } from '../errors.ts';
import { parseDevices } from './devices.ts';
import { readEnvironment, readLabels } from './environment.ts';
import type { CreateValues } from './flags.ts';
import { parseEndpoints } from './networks.ts';
import { parseHealthcheck, parseLogConfig, parseRestartPolicy, parseStorageOptions } from './policies.ts';
import { parsePorts } from './ports.ts';
import { parseSecurityOptions } from './security.ts';
import { parseTmpfs, parseVolumes } from './volumes.ts';

export interface SpecInput {
  values: CreateValues;
  given: ReadonlySet<string>;
  image: string;
  /** The command line for the container; empty = the image's. */
  command: string[];
  env: Record<string, string | undefined>;
}

/**
 * The body of a create request, field for field as docker's client makes it. Reads the files that flags name.
 *
 * @throws CommandError for flags that are wrong or contradict each other.
 */
export async function createSpec(input: SpecInput): Promise<ContainerSpec> {
  const { values, given } = input;
  const ports = parsePorts(values.publish, values.expose);
  const volumes = parseVolumes(values.volume);
  checkNamespaces(values);
  checkPlatform(given);
  return {
    ...(await config(input)),
    ...(Object.keys(ports.exposed).length > 0 ? { ExposedPorts: ports.exposed } : {}),
    Volumes: volumes.anonymous,
    HostConfig: { ...(await hostConfig(input)), Binds: volumes.binds, PortBindings: ports.bindings },
    NetworkingConfig: {
      EndpointsConfig: parseEndpoints(values.network, {
        aliases: values['network-alias'],
        links: values.link,
        ipv4: values.ip,
        ipv6: values.ip6,
        linkLocal: values['link-local-ip'],
        mac: values['mac-address'],
      }),
    },
  };
}

async function config({ values, given, image, command, env }: SpecInput): Promise<Config> {
  const streams = values.attach;
  const stdin = streams.includes('stdin') || values.interactive;
  const outputs = streams.filter((stream) => stream !== 'stdin');
  // Without -a both outputs are attached; -i alone does not choose.
  const both = streams.length === 0;
  return {
    Hostname: values.hostname,
    Domainname: values.domainname,
    User: values.user,
    AttachStdin: stdin,
    AttachStdout: both || outputs.includes('stdout'),
    AttachStderr: both || outputs.includes('stderr'),
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && stdin,
    Env: await readEnvironment(values['env-file'], values.env, env),
    Cmd: command.length > 0 ? command : null,
    ...optional('Healthcheck', healthcheck(values)),
    Image: image,
    Volumes: {},
    WorkingDir: values.workdir,
    Entrypoint: given.has('entrypoint') ? [values.entrypoint] : null,
    OnBuild: null,
    Labels: await readLabels(values['label-file'], values.label),
    ...optional('StopSignal', values['stop-signal'] || undefined),
    ...optional('StopTimeout', given.has('stop-timeout') ? values['stop-timeout'] : undefined),
  };
}

function healthcheck(values: CreateValues) {
  return parseHealthcheck({
    command: values['health-cmd'],
    disabled: values['no-healthcheck'],
    interval: values['health-interval'],
    timeout: values['health-timeout'],
    startPeriod: values['health-start-period'],
    startInterval: values['health-start-interval'],
    retries: values['health-retries'],
  });
}

async function hostConfig({ values, given }: SpecInput): Promise<HostConfig> {
  const security = await parseSecurityOptions(values['security-opt']);
  const restart = parseRestartPolicy(values.restart);
  if (values.rm && restart.Name !== '' && restart.Name !== 'no') {
    throw new CommandError('conflicting options: cannot specify both --restart and --rm', { exitCode: 125 });
  }
  return {
    Binds: null,
    ContainerIDFile: values.cidfile,
    LogConfig: parseLogConfig(values['log-driver'], values['log-opt']),
    NetworkMode: values.network[0]?.target ?? 'default',
    PortBindings: null,
    RestartPolicy: restart,
    AutoRemove: values.rm,
    VolumeDriver: values['volume-driver'],
    VolumesFrom: orNull(values['volumes-from']),
    ConsoleSize: [0, 0],
    ...optional('Annotations', filled(values.annotation)),
    CapAdd: orNull(values['cap-add']),
    CapDrop: orNull(values['cap-drop']),
    CgroupnsMode: values.cgroupns as HostConfig['CgroupnsMode'],
    Dns: values.dns,
    DnsOptions: values['dns-option'],
    DnsSearch: values['dns-search'],
    ExtraHosts: orNull(values['add-host']),
    GroupAdd: orNull(values['group-add']),
    IpcMode: values.ipc,
    Cgroup: '',
    Links: orNull(values.link),
    OomScoreAdj: values['oom-score-adj'],
    PidMode: values.pid,
    Privileged: values.privileged,
    PublishAllPorts: values['publish-all'],
    ReadonlyRootfs: values['read-only'],
    SecurityOpt: security.options,
    ...optional('StorageOpt', filled(parseStorageOptions(values['storage-opt']))),
    ...optional('Tmpfs', filled(parseTmpfs(values.tmpfs))),
    UTSMode: values.uts,
    UsernsMode: values.userns,
    ShmSize: values['shm-size'],
    ...optional('Sysctls', filled(values.sysctl)),
    ...optional('Runtime', values.runtime || undefined),
    Isolation: values.isolation,
    ...resources(values),
    ...optional('Mounts', values.mount.length > 0 ? values.mount : undefined),
    MaskedPaths: security.maskedPaths,
    ReadonlyPaths: security.readonlyPaths,
    ...optional('Init', given.has('init') ? values.init : undefined),
  };
}

function resources(values: CreateValues): Resources {
  const swappiness = values['memory-swappiness'];
  if (swappiness < -1 || swappiness > 100) {
    throw new CommandError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`, { exitCode: 125 });
  }
  const { devices, requests } = parseDevices(values.device);
  return {
    CpuShares: values['cpu-shares'],
    Memory: values.memory,
    NanoCpus: values.cpus,
    CgroupParent: values['cgroup-parent'],
    BlkioWeight: values['blkio-weight'],
    BlkioWeightDevice: values['blkio-weight-device'],
    BlkioDeviceReadBps: values['device-read-bps'],
    BlkioDeviceWriteBps: values['device-write-bps'],
    BlkioDeviceReadIOps: values['device-read-iops'],
    BlkioDeviceWriteIOps: values['device-write-iops'],
    CpuPeriod: values['cpu-period'],
    CpuQuota: values['cpu-quota'],
    CpuRealtimePeriod: values['cpu-rt-period'],
    CpuRealtimeRuntime: values['cpu-rt-runtime'],
    CpusetCpus: values['cpuset-cpus'],
    CpusetMems: values['cpuset-mems'],
    Devices: devices,
    DeviceCgroupRules: orNull(values['device-cgroup-rule']),
    DeviceRequests: orNull([...values.gpus, ...requests]),
    MemoryReservation: values['memory-reservation'],
    MemorySwap: values['memory-swap'],
    MemorySwappiness: swappiness,
    OomKillDisable: values['oom-kill-disable'],
    PidsLimit: values['pids-limit'],
    Ulimits: values.ulimit,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}

/** The namespaces that a container can share, by flag. */
const namespaces: [flag: 'pid' | 'uts' | 'userns' | 'cgroupns', name: string, valid: RegExp][] = [
  ['pid', 'PID', /^(?:|host|container:.+)$/],
  ['uts', 'UTS', /^(?:|host)$/],
  ['userns', 'USER', /^(?:|host)$/],
  ['cgroupns', 'CGROUP', /^(?:|host|private)$/],
];

function checkNamespaces(values: CreateValues): void {
  for (const [flag, name, valid] of namespaces) {
    if (!valid.test(values[flag])) throw new CommandError(`--${flag}: invalid ${name} mode`, { exitCode: 125 });
  }
}

const windowsFlags = ['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops'];

function checkPlatform(given: ReadonlySet<string>): void {
  const flag = windowsFlags.find((name) => given.has(name));
  if (flag) throw new CommandError(`"--${flag}" is only supported by an engine that runs on Windows`);
}

const orNull = <T>(items: T[]): T[] | null => (items.length > 0 ? items : null);

const filled = (map: Record<string, string>) => (Object.keys(map).length > 0 ? map : undefined);

/** `{[name]: value}`, or nothing when there is no value: Go's omitempty. */
function optional<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]?: V });
}

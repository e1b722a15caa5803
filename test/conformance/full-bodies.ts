/** Request bodies in which every field of the API's file has a value, as far as they do not exclude each other. */

const MIB = 1024 * 1024;
const DEVICE = [{ Path: '/dev/null', Rate: 1024 }];

/** The limits that create and update share. */
const RESOURCES = {
  BlkioDeviceReadBps: DEVICE,
  BlkioDeviceReadIOps: DEVICE,
  BlkioDeviceWriteBps: DEVICE,
  BlkioDeviceWriteIOps: DEVICE,
  BlkioWeight: 300,
  BlkioWeightDevice: [{ Path: '/dev/null', Weight: 200 }],
  CgroupParent: '/wherry',
  CpuCount: 0,
  CpuPercent: 0,
  CpuPeriod: 100_000,
  CpuQuota: 50_000,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpuShares: 512,
  CpusetCpus: '0',
  CpusetMems: '0',
  DeviceCgroupRules: ['c 1:3 rwm'],
  DeviceRequests: [{ Driver: 'cdi', Count: 0, DeviceIDs: ['v.com/c=d'], Capabilities: [['gpu']], Options: { a: 'b' } }],
  Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rwm' }],
  IOMaximumBandwidth: 0,
  IOMaximumIOps: 0,
  Init: true,
  KernelMemoryTCP: 0,
  Memory: 64 * MIB,
  MemoryReservation: 32 * MIB,
  MemorySwap: 128 * MIB,
  MemorySwappiness: null,
  NanoCpus: 0,
  OomKillDisable: false,
  PidsLimit: 50,
  Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
};

export const UPDATE = {
  ...RESOURCES,
  // Which of them is set decides how CPU time is counted: that does not change.
  CpuPeriod: 50_000,
  CpuQuota: 25_000,
  RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
};

const HEALTHCHECK = {
  Test: ['CMD', 'true'],
  Interval: 1e9,
  Timeout: 1e9,
  Retries: 2,
  StartPeriod: 1e9,
  StartInterval: 1e9,
};

/** What commit takes, too. */
export const CONFIG = {
  Hostname: 'host',
  Domainname: 'example.org',
  User: '1:2',
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  ExposedPorts: { '80/tcp': {} },
  Tty: false,
  OpenStdin: true,
  StdinOnce: true,
  Env: ['A=1'],
  Cmd: ['1000'],
  Healthcheck: HEALTHCHECK,
  ArgsEscaped: true,
  Image: 'busybox',
  Volumes: { '/declared': {} },
  WorkingDir: '/work',
  Entrypoint: ['sleep'],
  NetworkDisabled: false,
  MacAddress: '',
  OnBuild: ['RUN true'],
  Labels: { a: 'b' },
  StopSignal: 'SIGUSR1',
  StopTimeout: 3,
  Shell: ['/bin/sh', '-c'],
};

/** A mount of each type; those of images from 1.48 on. `folder` is of the host. */
function mounts(folder: string, minor: number): object[] {
  const common = { ReadOnly: true, Consistency: 'default' };
  const bind = {
    Propagation: 'rprivate',
    NonRecursive: true,
    CreateMountpoint: false,
    ReadOnlyNonRecursive: true,
    ReadOnlyForceRecursive: false,
  };
  const volume = { NoCopy: true, Labels: { a: 'b' }, Subpath: 'part', DriverConfig: { Name: 'local', Options: {} } };
  const tmpfs = { SizeBytes: MIB, Mode: 0o700, Options: [['noexec']] };
  const image = { Type: 'image', Source: 'busybox', Target: '/image', ...common, ImageOptions: { Subpath: 'bin' } };
  return [
    { Type: 'bind', Source: folder, Target: '/bound', ...common, BindOptions: bind },
    { Type: 'volume', Source: `full-${minor}`, Target: '/volume', ...common, VolumeOptions: volume },
    { Type: 'tmpfs', Target: '/memory', ...common, TmpfsOptions: tmpfs },
    ...(minor >= 48 ? [image] : []),
  ];
}

export interface Place {
  minor: number;
  /** A folder of the host. */
  folder: string;
  /** Another container. */
  partner: string;
  /** A network of the user, and an address in it. */
  network: string;
  address: string;
}

/** Only what a client asks for: the rest of an endpoint is for replies. */
export const endpoint = (address: string) => ({
  IPAMConfig: { IPv4Address: address, IPv6Address: '', LinkLocalIPs: ['169.254.1.1'] },
  Links: ['other:alias'],
  Aliases: ['alias'],
  MacAddress: '02:42:0a:00:00:09',
  DriverOpts: { a: 'b' },
  GwPriority: 1,
});

export function createBody({ minor, folder, partner, network, address }: Place) {
  return {
    ...CONFIG,
    HostConfig: {
      ...RESOURCES,
      Binds: [`${folder}:/also-bound`],
      ContainerIDFile: '',
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
      NetworkMode: network,
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] },
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
      AutoRemove: false,
      VolumeDriver: 'local',
      VolumesFrom: [partner],
      Mounts: mounts(folder, minor),
      ConsoleSize: [10, 20],
      Annotations: { a: 'b' },
      CapAdd: ['CAP_NET_ADMIN'],
      CapDrop: ['CAP_MKNOD'],
      CgroupnsMode: 'private',
      Dns: ['10.1.1.1'],
      DnsOptions: ['ndots:1'],
      DnsSearch: ['example.org'],
      ExtraHosts: ['extra:10.1.1.2'],
      GroupAdd: ['5'],
      IpcMode: 'private',
      Cgroup: '',
      Links: null,
      OomScoreAdj: 10,
      PidMode: 'host',
      Privileged: false,
      PublishAllPorts: true,
      ReadonlyRootfs: true,
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      StorageOpt: {},
      Tmpfs: { '/run': 'size=1m' },
      UTSMode: '',
      UsernsMode: 'host',
      ShmSize: MIB,
      Sysctls: { 'net.ipv4.ip_forward': '1' },
      Runtime: 'runc',
      Isolation: 'default',
      MaskedPaths: ['/proc/keys'],
      ReadonlyPaths: ['/proc/sys'],
    },
    NetworkingConfig: { EndpointsConfig: { [network]: endpoint(address) } },
  };
}

export const EXEC = {
  AttachStdin: false,
  AttachStdout: true,
  AttachStderr: true,
  ConsoleSize: [10, 20],
  DetachKeys: 'ctrl-x',
  Tty: false,
  Env: ['A=1'],
  Cmd: ['sh', '-c', 'echo $A; pwd'],
  Privileged: false,
  User: '1',
  WorkingDir: '/tmp',
};

export const networkBody = (name: string, subnet: string) => ({
  Name: name,
  Driver: 'bridge',
  Scope: 'local',
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigOnly: false,
  ConfigFrom: { Network: '' },
  IPAM: {
    Driver: 'default',
    Config: [
      {
        Subnet: `${subnet}.0/24`,
        IPRange: `${subnet}.128/25`,
        Gateway: `${subnet}.1`,
        AuxiliaryAddresses: { a: `${subnet}.2` },
      },
    ],
    Options: {},
  },
  EnableIPv4: true,
  EnableIPv6: false,
  Options: { 'com.docker.network.driver.mtu': '1400' },
  Labels: { a: 'b' },
});

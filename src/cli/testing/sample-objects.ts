/**
 * Objects as a daemon sends them, for comparisons of what clients make of them. No image has two repositories and no container
 * two labels: docker shows those in the order of a Go map, which is none.
 */

const hour = 3600;
const now = Math.floor(Date.now() / 1000);

const mount = {
  Type: 'volume',
  Name: 'data',
  Source: '/v/data',
  Destination: '/data',
  Driver: 'local',
  Mode: 'z',
  RW: true,
  Propagation: '',
};

const endpoint = (address: string) => ({
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '02:42:ac:11:00:02',
  NetworkID: 'aaaa',
  EndpointID: 'bbbb',
  Gateway: '172.17.0.1',
  IPAddress: address,
  IPPrefixLen: 16,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DriverOpts: null,
  DNSNames: null,
});

const summary = (index: number, fields: object) => ({
  Id: `${index}`.repeat(64),
  Names: [`/name-${index}`],
  Image: 'busybox',
  ImageID: `sha256:${'e'.repeat(64)}`,
  Command: 'sleep 10000',
  Created: now - index * 3 * hour,
  Ports: [],
  Labels: {},
  State: 'running',
  Status: 'Up 3 hours',
  HostConfig: { NetworkMode: 'default' },
  NetworkSettings: { Networks: { bridge: endpoint('172.17.0.2') } },
  Mounts: [],
  ...fields,
});

const published = (ip: string, publicPort: number, privatePort: number, protocol = 'tcp') => ({
  IP: ip,
  PrivatePort: privatePort,
  PublicPort: publicPort,
  Type: protocol,
});

export const sampleContainers = [
  summary(1, {
    Names: ['/name-1', '/other/alias'],
    Command: 'sh -c \'a long command with "quotes" and\ttabs\'',
    Ports: [80, 81, 82].map((port) => published('0.0.0.0', port, port)).concat(published('0.0.0.0', 5353, 53, 'udp')),
    Labels: { 'com.example.owner-name': 'anna' },
    SizeRw: 12_345,
    SizeRootFs: 2_024_713,
    Mounts: [mount, { ...mount, Type: 'bind', Name: '', Driver: '', Source: '/a/very/long/path/on/the/host' }],
  }),
  summary(2, {
    Image: `sha256:${'e'.repeat(64)}`,
    State: 'exited',
    Status: 'Exited (1) 2 days ago',
    Ports: [{ PrivatePort: 90, Type: 'tcp' }],
  }),
  summary(9, { Image: `repo/x@sha256:${'f'.repeat(64)}`, Command: 'é ü 漢字', Names: ['/ünï'] }),
];

export const sampleImages = [
  {
    Id: `sha256:${'a'.repeat(64)}`,
    ParentId: '',
    RepoTags: ['busybox:latest', 'busybox:1.36'],
    RepoDigests: [`busybox@sha256:${'1'.repeat(64)}`],
    Created: now - 40 * 24 * hour,
    Size: 4_261_550,
    SharedSize: -1,
    VirtualSize: 4_261_550,
    Labels: null,
    Containers: -1,
  },
  {
    Id: `sha256:${'b'.repeat(64)}`,
    ParentId: '',
    RepoTags: ['localhost:5000/b/c:2'],
    RepoDigests: [],
    Created: now - 90,
    Size: 999_900,
    SharedSize: 100,
    VirtualSize: 999_900,
    Labels: {},
    Containers: 2,
  },
  {
    Id: `sha256:${'d'.repeat(64)}`,
    ParentId: '',
    RepoTags: [],
    RepoDigests: [],
    Created: now - 30,
    Size: 12,
    SharedSize: 0,
    VirtualSize: 12,
    Labels: {},
    Containers: 0,
  },
  {
    Id: `sha256:${'c'.repeat(64)}`,
    ParentId: '',
    RepoTags: null,
    RepoDigests: [`only/digest@sha256:${'2'.repeat(64)}`],
    Created: now - 800 * 24 * hour,
    Size: 1_234_567_890,
    SharedSize: -1,
    VirtualSize: 1_234_567_890,
    Labels: {},
    Containers: -1,
  },
];

export const sampleHistory = [
  {
    Id: `sha256:${'a'.repeat(64)}`,
    Created: now - 5 * hour,
    CreatedBy: `/bin/sh -c ${'x'.repeat(80)}`,
    Tags: ['busybox:latest'],
    Size: 12_000_000,
    Comment: 'c',
  },
  { Id: '<missing>', Created: now - 100 * 24 * hour, CreatedBy: 'ADD\tfile', Tags: null, Size: 0, Comment: '' },
];

export const sampleEvents = [
  {
    status: 'start',
    id: 'c0ffee',
    from: 'busybox',
    Type: 'container',
    Action: 'start',
    Actor: { ID: 'c0ffee', Attributes: { name: 'web', image: 'busybox' } },
    scope: 'local',
    time: 1795475397,
    timeNano: 1795475397607414231n,
  },
  {
    Type: 'network',
    Action: 'connect',
    Actor: { ID: 'aaaa', Attributes: {} },
    scope: 'local',
    time: 1795475398,
    timeNano: 1795475398000000001n,
  },
];

export const sampleInspect = {
  Id: 'c'.repeat(64),
  Created: '2026-11-23T23:09:57.411736578Z',
  Path: 'sleep',
  Args: ['100', 'a b'],
  State: {
    Status: 'running',
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 12195,
    ExitCode: 0,
    Error: '',
    StartedAt: '2026-11-23T23:09:57.6Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Image: `sha256:${'e'.repeat(64)}`,
  Name: '/web',
  RestartCount: 3,
  Driver: 'overlay2',
  Platform: 'linux',
  ExecIDs: null,
  HostConfig: {
    Binds: ['/tmp:/t'],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    NetworkMode: 'bridge',
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 5 },
    AutoRemove: false,
    CapAdd: null,
    Memory: 9223372036854771712n,
    NanoCpus: 1_500_000_000,
    PidsLimit: null,
    Devices: [],
    Ulimits: null,
    ShmSize: 67108864,
  },
  Mounts: [mount],
  Config: {
    Hostname: 'c4',
    Env: ['A=1', 'PATH=/bin:/usr/bin', 'EMPTY='],
    Cmd: ['sleep', '100'],
    Image: 'busybox',
    Volumes: null,
    Entrypoint: null,
    OnBuild: null,
    Labels: { 'com.example.x': 'y', b: '<&>' },
    Tty: false,
  },
  NetworkSettings: {
    Ports: {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '::', HostPort: '8080' },
      ],
      '90/tcp': null,
    },
    IPAddress: '172.17.0.2',
    Networks: { bridge: endpoint('172.17.0.2'), second: endpoint('10.0.0.9') },
  },
};

const cached = (index: number, fields: object) => ({
  ID: `${index}`.repeat(25),
  Type: 'regular',
  Description: 'COPY . .',
  InUse: false,
  Shared: false,
  Size: 1000 * index,
  CreatedAt: new Date((now - 5 * hour) * 1000).toISOString(),
  LastUsedAt: null,
  UsageCount: index,
  ...fields,
});

const volume = (name: string, usage: object) => ({
  CreatedAt: '2024-01-02T03:04:05Z',
  Driver: 'local',
  Labels: name === 'data' ? { a: 'b' } : null,
  Mountpoint: `/v/${name}/_data`,
  Name: name,
  Options: null,
  Scope: 'local',
  UsageData: usage,
});

export const sampleDiskUsage = {
  LayersSize: 12345678,
  Images: sampleImages.map((image, index) => ({ ...image, SharedSize: 100 * index, Containers: index % 2 })),
  Containers: sampleContainers.map((container, index) => ({ ...container, SizeRw: 1000 * index, SizeRootFs: 5000 })),
  Volumes: [volume('data', { Size: 123456, RefCount: 2 }), volume('unused', { Size: 0, RefCount: 0 })],
  BuildCache: [cached(1, { InUse: true }), cached(2, { LastUsedAt: new Date((now - hour) * 1000).toISOString() })],
};

export const samplePrune = {
  ImagesDeleted: [{ Untagged: 'a:latest' }, { Deleted: `sha256:${'a'.repeat(64)}` }],
  SpaceReclaimed: 123456789,
};

/**
 * Every option of the daemon: its flag, its key in daemon.json, its kind, and what it is for. dockerd's names; options
 * of dockerd that cannot mean anything here are listed, too, with what is said when they are used.
 */
export interface ConfigOption {
  /** Without dashes. */
  flag: string;
  short?: string;
  /** Key in daemon.json; absent = only a flag. */
  key?: string;
  kind: 'text' | 'bool' | 'number' | 'list' | 'map';
  help: string;
  /** Accepted for dockerd's sake; the text says why it does nothing. */
  ignored?: string;
  /** Not accepted, as leaving it out would change what it is used for; the text says what there is instead. */
  refused?: string;
}

const option = (
  flag: string,
  kind: ConfigOption['kind'],
  help: string,
  more: Partial<ConfigOption> = {},
): ConfigOption => ({
  flag,
  key: flag,
  kind,
  help,
  ...more,
});

const ignored = (flag: string, kind: ConfigOption['kind'], why: string): ConfigOption =>
  option(flag, kind, `Accepted, without effect: ${why}`, { ignored: why });

const refused = (flag: string, kind: ConfigOption['kind'], why: string, key = flag): ConfigOption =>
  option(flag, kind, `Refused: ${why}`, { refused: why, key });

export const CONFIG_OPTIONS: readonly ConfigOption[] = [
  option('add-runtime', 'map', 'Register an OCI runtime, NAME=PATH', { key: 'runtimes' }),
  option('bip', 'text', 'Address and prefix of the default bridge, such as 172.17.0.1/16'),
  option('bridge', 'text', 'Name of the default bridge', { short: 'b' }),
  option('cdi-spec-dir', 'list', 'Folder of files that describe CDI devices (default /etc/cdi and /var/run/cdi)', {
    key: 'cdi-spec-dirs',
  }),
  option('cgroup-parent', 'text', 'Control group that holds the groups of all containers'),
  option('config-file', 'text', 'Configuration file (default /etc/wherry/daemon.json)', { key: undefined }),
  option('data-root', 'text', 'Folder of all persistent state (default /var/lib/wherry)'),
  option('debug', 'bool', 'Same as --log-level debug', { short: 'D' }),
  option('default-address-pool', 'list', 'From where networks get subnets, base=CIDR,size=PREFIX-LENGTH', {
    key: 'default-address-pools',
  }),
  option('default-cgroupns-mode', 'text', 'Cgroup namespace of containers that name none: host or private'),
  option('default-ipc-mode', 'text', 'IPC mode of containers that name none: private or shareable (default private)'),
  option(
    'default-runtime',
    'text',
    'OCI runtime of containers that name none (default: crun if it works here, else runc)',
  ),
  option('default-shm-size', 'text', 'Size of /dev/shm (default 64m)'),
  option('default-ulimit', 'list', 'Limit of every container, NAME=SOFT[:HARD]', { key: 'default-ulimits' }),
  option('dns', 'list', 'DNS server of containers'),
  option('dns-opt', 'list', 'Resolver option of containers', { key: 'dns-opts' }),
  option('dns-search', 'list', 'Search domain of containers'),
  option('exec-root', 'text', 'Folder of all state that a reboot may take (default /run/wherry)'),
  option(
    'exec-opt',
    'list',
    'native.cgroupdriver=cgroupfs (the default) or systemd: who makes the control groups of containers',
    { key: 'exec-opts' },
  ),
  option('experimental', 'bool', 'Say that experimental features are on'),
  option('fixed-cidr', 'text', 'Part of the bridge subnet from which containers get addresses'),
  option('group', 'text', 'Group that may use the unix socket (default docker)', { short: 'G' }),
  option(
    'host',
    'list',
    'Where to listen: unix:///path, tcp://host:port or fd:// (default unix:///var/run/wherry.sock)',
    {
      short: 'H',
      key: 'hosts',
    },
  ),
  option('host-gateway-ip', 'text', 'Address that host-gateway stands for in --add-host (default: the bridge)'),
  option('icc', 'bool', 'Let containers on the default bridge reach each other (default true)'),
  option('init', 'bool', 'Run an init program as process 1 of containers that do not say'),
  option('init-path', 'text', 'The init program (default tini)'),
  option('ip', 'text', 'Address at which ports are published that name none (default 0.0.0.0)'),
  option('ip-forward', 'bool', 'Switch on net.ipv4.ip_forward (default true)'),
  option('ip-masq', 'bool', 'Give traffic that leaves the bridge the address of the host (default true)'),
  option('label', 'list', 'Label of this daemon, KEY=VALUE', { key: 'labels' }),
  option('live-restore', 'bool', 'Leave containers running when the daemon ends (default true)'),
  option('log-driver', 'text', 'Log driver of containers: json-file, local or none (default json-file)'),
  option('log-format', 'text', 'Form of the daemon log: text or json'),
  option('log-level', 'text', 'Daemon log from debug, info, warn, error or fatal on (default info)', { short: 'l' }),
  option('log-opt', 'map', 'Option of the log driver, KEY=VALUE', { key: 'log-opts' }),
  option('mtu', 'number', 'MTU of the default bridge (default: that of the default route)'),
  option('pidfile', 'text', 'File for the process id (default /var/run/wherry.pid)', { short: 'p' }),
  option('seccomp-profile', 'text', 'Seccomp profile of containers that name none: a file, builtin or unconfined'),
  option('shutdown-timeout', 'number', 'Seconds that containers get to stop without --live-restore (default 15)'),
  option(
    'storage-driver',
    'text',
    'How layers are kept: erofs, overlay2 or vfs (default: the first of them that works)',
    { short: 's' },
  ),
  option('tls', 'bool', 'Speak TLS on TCP; implied by --tlsverify'),
  option('tlscacert', 'text', 'Who signs the certificates of clients'),
  option('tlscert', 'text', 'Certificate of the daemon'),
  option('tlskey', 'text', 'Key of the daemon'),
  option('tlsverify', 'bool', 'Speak TLS on TCP and ask clients for a certificate'),
  option('validate', 'bool', 'Check the configuration and end', { key: undefined }),
  option('insecure-registry', 'list', 'Registry that may be without TLS or a known certificate: HOST[:PORT] or CIDR', {
    key: 'insecure-registries',
  }),
  option('registry-mirror', 'list', 'Where to pull from first: [DOMAIN=]URL, for docker.io without a domain', {
    key: 'registry-mirrors',
  }),
  option(
    'registry-certs',
    'text',
    "Folder of registries' certificates (default /etc/wherry/certs.d, /etc/docker/certs.d)",
  ),
  option('http-proxy', 'text', 'Proxy for requests to http: URLs (default: the environment)'),
  option('https-proxy', 'text', 'Proxy for requests to https: URLs (default: the environment)'),
  option('no-proxy', 'text', 'Hosts that are reached without a proxy, separated by commas (default: the environment)'),
  option(
    'compressed-layers',
    'text',
    'What becomes of the compressed form of pulled layers: discard (default) or keep',
  ),
  option('max-concurrent-downloads', 'number', 'Layers that are downloaded at a time (default 3)'),
  option('max-concurrent-uploads', 'number', 'Layers that are pushed at a time (default 5)'),
  option('max-download-attempts', 'number', 'How often a download or upload is tried before it fails (default 5)'),
  option('push-compression', 'text', 'How layers are compressed that are pushed: gzip (default) or zstd'),
  option('version', 'bool', 'Print the version and end', { short: 'v', key: undefined }),
  option('help', 'bool', 'Print this help and end', { short: 'h', key: undefined }),
  ignored('containerd', 'text', 'there is no containerd here'),
  ignored('containerd-namespace', 'text', 'there is no containerd here'),
  ignored('ip6tables', 'bool', 'rules go to an nft table of our own'),
  ignored('iptables', 'bool', 'rules go to an nft table of our own'),
  ignored('metrics-addr', 'text', 'metrics come with a later release'),
  ignored('oom-score-adjust', 'number', 'the service manager sets it'),
  ignored('raw-logs', 'bool', 'the log has no colours'),
  ignored('selinux-enabled', 'bool', 'SELinux labels come with a later release'),
  ignored('storage-opt', 'list', 'no driver here has options'),
  ignored('userland-proxy', 'bool', 'there is no proxy process'),
  ignored('userland-proxy-path', 'text', 'there is no proxy process'),
  ignored('allow-nondistributable-artifacts', 'list', 'layers of every kind are pushed'),
  ignored('api-cors-header', 'text', 'other origins are never allowed'),
  ignored('containerd-plugins-namespace', 'text', 'there is no containerd here'),
  ignored('cri-containerd', 'bool', 'there is no containerd here'),
  ignored('network-control-plane-mtu', 'number', 'there is no swarm here'),
  ignored('node-generic-resource', 'list', 'there is no swarm here'),
  ignored('swarm-default-advertise-addr', 'text', 'there is no swarm here'),
  refused('authorization-plugin', 'list', 'use sockets of limited access instead', 'authorization-plugins'),
  refused('cpu-rt-period', 'number', 'set it for each container'),
  refused('cpu-rt-runtime', 'number', 'set it for each container'),
  refused('default-gateway', 'text', 'the gateway is the address of the bridge, see bip'),
  refused('default-gateway-v6', 'text', 'the default bridge has no IPv6 in this release'),
  refused('default-network-opt', 'map', 'user-defined networks come with a later release', 'default-network-opts'),
  refused('fixed-cidr-v6', 'text', 'the default bridge has no IPv6 in this release'),
  refused('ipv6', 'bool', 'the default bridge has no IPv6 in this release'),
  refused('no-new-privileges', 'bool', 'give --security-opt no-new-privileges to each container'),
  refused('rootless', 'bool', 'rootless mode comes with a later release'),
  refused('userns-remap', 'text', 'user namespaces come with a later release'),
];

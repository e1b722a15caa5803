/** The flags that run and create share: everything that a container can be made with. */
import { bytes, duration, nanoDecimal, swapBytes } from '../flags/quantities.ts';
import { alias, type FlagValues, flag } from '../flags/types.ts';
import { bool, int, int64, list, listOf, map, string, uint16, uint64 } from '../flags/values.ts';
import { bytesPerSecond, cgroupRules, gpuRequests, operationsPerSecond, weightDevices } from './devices.ts';
import { envList, labelList } from './environment.ts';
import { dnsSearch, extraHosts, links } from './hosts.ts';
import { mounts } from './mount-option.ts';
import { address, addressList, networks } from './networks.ts';
import { ulimits } from './policies.ts';

const streams = listOf('list', (text) => {
  const name = text.toLowerCase();
  if (name === 'stdin' || name === 'stdout' || name === 'stderr') return name;
  throw new Error('valid streams are STDIN, STDOUT and STDERR');
});

const process = {
  attach: flag(streams, 'Attach to stdin, stdout or stderr', { short: 'a' }),
  entrypoint: flag(string, "Replace the image's entrypoint"),
  env: flag(envList, 'Set an environment variable', { short: 'e' }),
  'env-file': flag(list, 'Read environment variables from a file'),
  'group-add': flag(list, 'Join a further group'),
  hostname: flag(string, "The container's host name", { short: 'h' }),
  domainname: flag(string, "The container's NIS domain name"),
  init: flag(bool, 'Run an init in the container that forwards signals and reaps processes'),
  interactive: flag(bool, 'Keep stdin open even when nothing is attached', { short: 'i' }),
  'stop-signal': flag(string, 'Signal that stops the container'),
  'stop-timeout': flag(int, 'Seconds between the stop signal and the kill'),
  tty: flag(bool, 'Give the container a terminal', { short: 't' }),
  user: flag(string, 'User and group: name|uid[:group|gid]', { short: 'u' }),
  workdir: flag(string, 'Working directory in the container', { short: 'w' }),
};

const identity = {
  annotation: flag(map, 'Annotate the container for the OCI runtime'),
  cidfile: flag(string, "Write the container's id to this file"),
  label: flag(labelList, 'Set a label', { short: 'l' }),
  'label-file': flag(list, 'Read labels from a file'),
  name: flag(string, 'Name of the container'),
  platform: flag(string, 'Platform of the image, such as linux/arm64'),
  pull: flag(string, 'When to pull the image: always, missing or never', { initial: 'missing' }),
  quiet: flag(bool, 'Show nothing of a pull', { short: 'q' }),
  rm: flag(bool, 'Remove the container when it exits'),
  restart: flag(string, 'When to start it again: no, on-failure[:n], always, unless-stopped', { initial: 'no' }),
  runtime: flag(string, 'OCI runtime to use'),
  'log-driver': flag(string, 'Logging driver'),
  'log-opt': flag(list, 'Option of the logging driver'),
  'use-api-socket': flag(bool, "Give the container the engine's socket", { hidden: true }),
  'disable-content-trust': flag(bool, '', { hidden: true, initial: true }),
};

const network = {
  'add-host': flag(extraHosts, 'Add a name to the hosts file: name:address'),
  dns: flag(addressList, 'Use this DNS server'),
  'dns-option': flag(list, 'Set an option of the resolver'),
  'dns-opt': alias(list, 'dns-option'),
  'dns-search': flag(dnsSearch, 'Search this DNS domain'),
  expose: flag(list, 'Expose a port or a range of ports'),
  ip: flag(address, 'IPv4 address'),
  ip6: flag(address, 'IPv6 address'),
  link: flag(links, 'Link to another container'),
  'link-local-ip': flag(addressList, 'Link-local address'),
  'mac-address': flag(string, 'MAC address'),
  network: flag(networks, 'Network to connect to: a name, none, host, container:NAME'),
  net: alias(networks, 'network'),
  'network-alias': flag(list, 'Further name of the container in its network'),
  'net-alias': alias(list, 'network-alias'),
  publish: flag(list, "Publish a port: [[address:][port]:]container's port[/udp]", { short: 'p' }),
  'publish-all': flag(bool, 'Publish all exposed ports under free ones', { short: 'P' }),
};

const storage = {
  mount: flag(mounts, 'Mount something: type=bind|volume|tmpfs,src=...,dst=...'),
  'read-only': flag(bool, "Make the container's root read-only"),
  'shm-size': flag(bytes, 'Size of /dev/shm'),
  'storage-opt': flag(list, 'Option of the storage driver'),
  tmpfs: flag(list, 'Mount a tmpfs: path[:options]'),
  volume: flag(list, 'Mount a folder or volume: source:target[:options]', { short: 'v' }),
  'volume-driver': flag(string, 'Driver of the volumes'),
  'volumes-from': flag(list, 'Mount the volumes of another container'),
};

const security = {
  'cap-add': flag(list, 'Add a capability'),
  'cap-drop': flag(list, 'Drop a capability'),
  cgroupns: flag(string, 'Cgroup namespace: host or private'),
  'cgroup-parent': flag(string, 'Parent cgroup of the container'),
  ipc: flag(string, 'IPC namespace'),
  isolation: flag(string, 'Isolation technology (Windows)', { hidden: true }),
  pid: flag(string, 'PID namespace'),
  privileged: flag(bool, 'Give the container all rights over the host'),
  'security-opt': flag(list, 'Security option: seccomp=FILE, no-new-privileges, ...'),
  sysctl: flag(map, 'Kernel parameter of the container'),
  userns: flag(string, 'User namespace'),
  uts: flag(string, 'UTS namespace'),
};

const limits = {
  'blkio-weight': flag(uint16, 'Weight of block I/O, 10 to 1000'),
  'blkio-weight-device': flag(weightDevices, 'Weight of block I/O for one device'),
  'cpu-count': flag(int64, 'Number of CPUs (Windows)', { hidden: true }),
  'cpu-percent': flag(int64, 'Share of CPU (Windows)', { hidden: true }),
  'cpu-period': flag(int64, 'Period of the CPU limit in microseconds'),
  'cpu-quota': flag(int64, 'CPU time for each period in microseconds'),
  'cpu-rt-period': flag(int64, 'Period of the real-time limit in microseconds'),
  'cpu-rt-runtime': flag(int64, 'Real-time CPU time for each period in microseconds'),
  'cpu-shares': flag(int64, 'Weight of CPU time', { short: 'c' }),
  cpus: flag(nanoDecimal, 'Number of CPUs, such as 1.5'),
  'cpuset-cpus': flag(string, 'CPUs to run on, such as 0-3 or 0,1'),
  'cpuset-mems': flag(string, 'Memory nodes to use, such as 0-3 or 0,1'),
  device: flag(list, 'Add a device: path[:path in the container][:rwm]'),
  'device-cgroup-rule': flag(cgroupRules, "Add a rule to the cgroup's devices"),
  'device-read-bps': flag(bytesPerSecond, 'Limit bytes per second read from a device'),
  'device-read-iops': flag(operationsPerSecond, 'Limit reads per second from a device'),
  'device-write-bps': flag(bytesPerSecond, 'Limit bytes per second written to a device'),
  'device-write-iops': flag(operationsPerSecond, 'Limit writes per second to a device'),
  gpus: flag(gpuRequests, "Add GPUs; 'all' adds each"),
  'io-maxbandwidth': flag(bytes, 'Limit of I/O bandwidth (Windows)', { hidden: true }),
  'io-maxiops': flag(uint64, 'Limit of I/O operations (Windows)', { hidden: true }),
  memory: flag(bytes, 'Limit of memory', { short: 'm' }),
  'memory-reservation': flag(bytes, 'Soft limit of memory'),
  'memory-swap': flag(swapBytes, 'Limit of memory and swap together; -1 = no limit of swap'),
  'memory-swappiness': flag(int64, 'Tendency to swap, 0 to 100', { initial: -1 }),
  'oom-kill-disable': flag(bool, 'Do not kill it when memory runs out'),
  'oom-score-adj': flag(int, 'How soon it is killed when memory runs out, -1000 to 1000'),
  'pids-limit': flag(int64, 'Limit of processes; -1 = none'),
  ulimit: flag(ulimits, 'Resource limit: name=soft[:hard]'),
};

const health = {
  'health-cmd': flag(string, 'Command that checks the health'),
  'health-interval': flag(duration, 'Time between two checks'),
  'health-retries': flag(int, 'Failures in a row until it is unhealthy'),
  'health-start-interval': flag(duration, 'Time between two checks while it starts'),
  'health-start-period': flag(duration, 'Time to start in, before failures count'),
  'health-timeout': flag(duration, 'Time that one check may take'),
  'no-healthcheck': flag(bool, "Leave out the image's health check"),
};

export const createFlags = { ...process, ...identity, ...network, ...storage, ...security, ...limits, ...health };

export type CreateValues = FlagValues<typeof createFlags>;

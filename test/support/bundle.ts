import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What differs between the containers of tests. */
export interface TestProcess {
  args: string[];
  terminal?: boolean;
  cwd?: string;
  user?: { uid: number; gid: number };
  env?: string[];
  /** Leaves the OOM score to what it inherits. */
  noOomScore?: boolean;
}

export interface TestContainer extends TestProcess {
  /** Bytes. */
  memory?: number;
  /** Shares the host's process namespace. */
  hostPid?: boolean;
}

const tools = [
  'sh',
  'cat',
  'echo',
  'printf',
  'sleep',
  'md5sum',
  'stty',
  'head',
  'yes',
  'kill',
  'true',
  'false',
  'dd',
  'tail',
  'seq',
  'tr',
  'wc',
  'id',
  'grep',
  'test',
  'tty',
];

/** A root file system of a static busybox at `rootfs`. */
export function makeRootfs(rootfs: string): void {
  for (const folder of ['bin', 'dev', 'proc', 'tmp', 'etc', 'dir'])
    mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync('/usr/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const tool of tools) symlinkSync('busybox', join(rootfs, 'bin', tool));
  writeFileSync(join(rootfs, 'file'), 'text');
  writeFileSync(join(rootfs, 'bin/not-executable'), 'text');
  writeFileSync(join(rootfs, 'bin/bad-interpreter'), '#!/missing/interpreter\n');
  writeFileSync(join(rootfs, 'bin/bad-format'), 'no program at all\n');
  for (const name of ['bad-interpreter', 'bad-format']) chmodSync(join(rootfs, 'bin', name), 0o755);
}

/** The `process` object of the OCI runtime specification. */
export function ociProcess(process: TestProcess) {
  return {
    terminal: process.terminal ?? false,
    user: process.user ?? { uid: 0, gid: 0 },
    args: process.args,
    env: process.env ?? ['PATH=/bin', 'TERM=xterm'],
    cwd: process.cwd ?? '/',
    ...(process.noOomScore ? {} : { oomScoreAdj: 0 }),
  };
}

/** Writes a bundle's config.json: own pid, mount, ipc and uts namespaces, the network of the caller. */
export function writeBundle(directory: string, rootfs: string, cgroup: string, container: TestContainer): void {
  const namespaces = ['mount', 'ipc', 'uts', ...(container.hostPid ? [] : ['pid'])];
  const config = {
    ociVersion: '1.0.2',
    process: ociProcess(container),
    root: { path: rootfs, readonly: false },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=620'],
      },
    ],
    linux: {
      cgroupsPath: cgroup,
      namespaces: namespaces.map((type) => ({ type })),
      resources: container.memory ? { memory: { limit: container.memory, swap: container.memory } } : {},
    },
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

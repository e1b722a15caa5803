import { join } from 'node:path';

/** Where a container's files lie; see the tree in ARCHITECTURE.md. */
export interface ContainerPaths {
  /** Survives everything but removal. */
  folder: string;
  /** The record at creation, from which a lost database is rebuilt. */
  config: string;
  log: string;
  exitRecord: string;
  hosts: string;
  hostname: string;
  resolvConf: string;
  /** One run's bundle, monitor socket and pid file. */
  runFolder: string;
  socket: string;
  /** What the runtime says when it cannot start the container. */
  runtimeLog: string;
  bundleConfig: string;
  /** The run's network, from before its process. */
  sandbox: string;
  /** What the run's health checks have found out. */
  health: string;
  /** There while an update of the limits is under way. */
  updating: string;
  /** The /dev/shm of a container whose IPC is shareable. */
  sharedMemory: string;
  /** Parts of volumes and images that are mounted by themselves. Never deleted with what is in it. */
  parts: string;
  /** A folder for each exec of the run. */
  execs: string;
}

/** The files of an exec, which go with its container's run. */
export interface ExecPaths {
  folder: string;
  /** What was asked for; without it there is no exec. */
  record: string;
  /** The OCI runtime's description of the process. */
  process: string;
  socket: string;
  /** The runtime's: a process has been there. */
  pidFile: string;
  runtimeLog: string;
  exitRecord: string;
}

export interface Paths {
  dataRoot: string;
  execRoot: string;
  database: string;
  /** The newest events; gone with a boot. */
  events: string;
  containers: string;
  runs: string;
  volumes: string;
  graph: string;
  /** What no row names is put aside here, never deleted. */
  quarantine: string;
  layers: string;
  /** State of an OCI runtime. */
  runtimeRoot(runtime: string): string;
  container(id: string): ContainerPaths;
  exec(containerId: string, id: string): ExecPaths;
}

/** All paths below the data-root and the exec-root, both absolute. */
export function enginePaths(dataRoot: string, execRoot: string): Paths {
  const containers = join(dataRoot, 'containers');
  const runs = join(execRoot, 'containers');
  return {
    dataRoot,
    execRoot,
    database: join(dataRoot, 'wherry.db'),
    events: join(execRoot, 'events.jsonl'),
    containers,
    runs,
    volumes: join(dataRoot, 'volumes'),
    graph: join(dataRoot, 'graph'),
    quarantine: join(dataRoot, 'quarantine'),
    layers: join(execRoot, 'layers'),
    runtimeRoot: (runtime) => join(execRoot, 'runtime', runtime),
    container(id) {
      const folder = join(containers, id);
      const runFolder = join(runs, id);
      return {
        folder,
        config: join(folder, 'config.json'),
        log: join(folder, `${id}-json.log`),
        exitRecord: join(folder, 'exit.json'),
        hosts: join(folder, 'hosts'),
        hostname: join(folder, 'hostname'),
        resolvConf: join(folder, 'resolv.conf'),
        runFolder,
        socket: join(runFolder, 'monitor.sock'),
        runtimeLog: join(runFolder, 'runtime.log'),
        bundleConfig: join(runFolder, 'config.json'),
        sandbox: join(runFolder, 'sandbox.json'),
        health: join(runFolder, 'health.json'),
        updating: join(runFolder, 'updating'),
        sharedMemory: join(runFolder, 'shm'),
        parts: join(execRoot, 'parts', id),
        execs: join(runFolder, 'execs'),
      };
    },
    exec(containerId, id) {
      const folder = join(runs, containerId, 'execs', id);
      return {
        folder,
        record: join(folder, 'exec.json'),
        process: join(folder, 'process.json'),
        socket: join(folder, 'monitor.sock'),
        pidFile: join(folder, 'pid'),
        runtimeLog: join(folder, 'runtime.log'),
        exitRecord: join(folder, 'exit.json'),
      };
    },
  };
}

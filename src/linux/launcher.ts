/** The client of the launcher (native/launcher/): its methods, and how an engine comes to it. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, type EngineError, unavailable } from '#errors/errors.ts';
import { openConnection } from './launcher-connection.ts';
import { holdPort, keepDescriptor, listHeld, release } from './launcher-held.ts';
import { bind, mount, unmount } from './launcher-mount.ts';
import { createNetns, deleteNetns } from './launcher-netns.ts';
import { netlink, nft } from './launcher-network.ts';
import { run, spawn, watchPid } from './launcher-programs.ts';
import { ready, tell } from './launcher-ready.ts';
import type { Launcher } from './launcher-types.ts';

/** Exit code of an engine whose launcher is gone (EX_SOFTWARE of sysexits.h). */
const LAUNCHER_LOST = 70;
const FIRST_SYSTEMD_SOCKET = 3;

/**
 * A launcher at the other end of `stream`. `onLost` is called once when the launcher goes away; the engine must then
 * end, because another one may already be starting. `inherited` descriptors are kept without its knowledge;
 * `serviceManager` is its NOTIFY_SOCKET.
 */
export async function connectLauncher(
  stream: Duplex,
  onLost: (error: EngineError) => void,
  { inherited, serviceManager }: { inherited?: [key: string, descriptor: number][]; serviceManager?: string } = {},
): Promise<Launcher> {
  const { ask, close } = openConnection(stream, onLost);
  const kept = new Map(inherited);
  for (const [key, descriptor] of await listHeld(ask)) if (descriptor) kept.set(key, descriptor);

  return {
    kept,
    mount: (request) => mount(ask, request),
    bind: (request) => bind(ask, request),
    unmount: (target, options) => unmount(ask, target, options),
    createNetns: (path) => createNetns(ask, path),
    deleteNetns: (path) => deleteNetns(ask, path),
    netlink: (request) => netlink(ask, request),
    nft: (commands, options) => nft(ask, commands, options),
    spawn: (request) => spawn(ask, request),
    run: (request) => run(ask, request),
    keepDescriptor: (key, fd) => keepDescriptor(ask, key, fd),
    release: (key) => release(ask, key),
    holdPort: (request) => holdPort(ask, request),
    heldPorts: async () => [...(await listHeld(ask))].filter(([, descriptor]) => descriptor === 0).map(([key]) => key),
    watchPid: (pid, startTime, signal) => watchPid(ask, pid, startTime, signal),
    ready: () => ready(ask, serviceManager),
    stopping: () => tell(ask, serviceManager, 'STOPPING=1'),
    close,
  };
}

/**
 * The launcher that started this process, by WHERRY_LAUNCHER_FD; the variables for us are taken out of the environment.
 * When it is lost the process ends with code 70 unless `onLost` is given. Throws `unavailable` without one.
 */
export async function launcherFromEnvironment(onLost: (error: EngineError) => void = endProcess): Promise<Launcher> {
  const { WHERRY_LAUNCHER_FD: channel, NOTIFY_SOCKET: serviceManager } = process.env;
  delete process.env.WHERRY_LAUNCHER_FD;
  delete process.env.NOTIFY_SOCKET;
  if (channel === undefined) {
    throw unavailable('the engine was started without its launcher', { hint: 'Start it with bin/wherryd.' });
  }
  const socket = new Socket({ fd: Number(channel), readable: true, writable: true });
  return await connectLauncher(socket, onLost, { inherited: takeSystemdSockets(), serviceManager });
}

/** What systemd passed to the launcher (sd_listen_fds(3)), which every engine inherits: `fd://0` and so on. */
function takeSystemdSockets(): [key: string, descriptor: number][] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '0' } = process.env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name];
  if (pid !== String(process.ppid)) return [];
  return Array.from({ length: Number(count) }, (_, index) => [`fd://${index}`, FIRST_SYSTEMD_SOCKET + index]);
}

function endProcess(error: EngineError): void {
  process.stderr.write(`wherryd: ${describe(error)}\n`);
  process.exit(LAUNCHER_LOST);
}

/** The client of the launcher (native/launcher/): one method per operation of its protocol. */
import { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { cancelled, describe, type EngineError, isEngineError, system, unavailable } from '#errors/errors.ts';
import { type LauncherConnection, openConnection } from './launcher-connection.ts';
import { withMountOptions } from './launcher-mount.ts';
import type { Launcher, PidExit, RunResult } from './launcher-types.ts';
import { type Field, type FieldReader, Op, type OpCode } from './launcher-wire.ts';

/** Exit code of an engine whose launcher is gone (EX_SOFTWARE of sysexits.h). */
const LAUNCHER_LOST = 70;
const FIRST_SYSTEMD_SOCKET = 3;
const ipProtocols = { tcp: 6, udp: 17, sctp: 132 };
const nftErrors: Record<string, string> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  EBUSY: 'Device or resource busy',
  EPERM: 'Operation not permitted',
  EOPNOTSUPP: 'Operation not supported',
  ENOMEM: 'Cannot allocate memory',
};

/**
 * A launcher at the other end of `stream`. `onLost` is called once when the launcher goes away; the engine must then
 * end, because another one may already be starting. `inherited` descriptors are kept without its knowledge.
 */
export async function connectLauncher(
  stream: Duplex,
  onLost: (error: EngineError) => void,
  inherited: [key: string, descriptor: number][] = [],
): Promise<Launcher> {
  const connection = openConnection(stream, onLost);
  const kept = new Map(inherited);
  for (const [key, descriptor] of await askHeld(connection)) if (descriptor) kept.set(key, descriptor);
  const ask = connection.request;
  const perform = (op: OpCode, what: string, fields: Field[]): Promise<void> => ask(op, what, fields, () => undefined);

  return {
    kept,

    mount: ({ fstype, options, attributes = 0, target }) =>
      withMountOptions(options, (texts) =>
        perform(Op.mount, `mounting ${fstype} on ${target}`, [fstype, target, attributes, texts]),
      ),

    bind: ({ source, target, recursive = false, attributesSet = 0, attributesClear = 0, propagation = 0 }) =>
      perform(Op.bind, `bind mounting ${source} on ${target}`, [
        ...[source, target, Number(recursive)],
        ...[attributesSet, attributesClear, propagation],
      ]),

    unmount: (target, { detach = false } = {}) => perform(Op.unmount, `unmounting ${target}`, [target, Number(detach)]),

    createNetns: (path) => perform(Op.createNetns, `creating the network namespace ${path}`, [path]),

    deleteNetns: (path) => perform(Op.deleteNetns, `deleting the network namespace ${path}`, [path]),

    netlink: ({ netns, protocol, messages, namespaceFd }) => {
      const fields = [netns, protocol, messages, namespaceFd?.path, namespaceFd?.offset ?? 0];
      const what = `netlink (protocol ${protocol}) in ${netns ?? "the engine's network namespace"}`;
      return ask(Op.netlink, what, fields, (reply) => reply.rest());
    },

    nft: async (commands, { json = false, netns } = {}) => {
      const what = `nft in ${netns ?? "the engine's network namespace"}`;
      const listing = ask(Op.nft, what, [netns, commands, Number(json)], (reply) => reply.text());
      return await listing.catch((error) => Promise.reject(nftError(error)));
    },

    spawn: ({ argv, cwd, listenSocket }) => {
      const place = listenSocket === undefined ? [cwd, undefined] : [dirname(listenSocket), basename(listenSocket)];
      return ask(Op.spawn, `starting ${argv[0]}`, [argv, ...place], (reply) => ({ pid: reply.u32() }));
    },

    run: ({ argv, netns, stdin = Buffer.alloc(0), timeoutMs = 0 }) =>
      ask(Op.run, `running ${argv[0]}`, [netns, argv, stdin, timeoutMs], decodeRunResult),

    keepDescriptor: (key, fd) => perform(Op.keep, `keeping descriptor ${fd} as ${key}`, [key, fd]),

    release: (key) => perform(Op.release, `releasing ${key}`, [key]),

    holdPort: ({ key, protocol, address, port }) =>
      ask(
        Op.holdPort,
        `binding ${protocol} port ${port} on ${address}`,
        [key, ipProtocols[protocol], address, port],
        (reply) => ({ port: reply.u32() }),
      ),

    heldPorts: async () => keysOfPorts(await askHeld(connection)),

    watchPid: (pid, startTime, signal) => watchPid(connection, pid, startTime, signal),

    ready: () => perform(Op.ready, 'announcing readiness', []),

    close: () => connection.close(),
  };
}

/**
 * The launcher that started this process, by WHERRY_LAUNCHER_FD; the variables for us are taken out of the environment.
 * When it is lost the process ends with code 70 unless `onLost` is given. Throws `unavailable` without one.
 */
export async function launcherFromEnvironment(onLost: (error: EngineError) => void = endProcess): Promise<Launcher> {
  const { WHERRY_LAUNCHER_FD: channel } = process.env;
  delete process.env.WHERRY_LAUNCHER_FD;
  if (channel === undefined) {
    throw unavailable('the engine was started without its launcher', { hint: 'Start it with bin/wherryd.' });
  }
  const socket = new Socket({ fd: Number(channel), readable: true, writable: true });
  return await connectLauncher(socket, onLost, takeSystemdSockets());
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

/** What the launcher holds: descriptors, by their number in an engine that it starts, and ports (undefined). */
function askHeld(connection: LauncherConnection): Promise<Map<string, number | undefined>> {
  return connection.request(Op.held, 'listing what is held', [], (reply) => {
    const entries = Array.from({ length: reply.u32() }, () => [reply.text(), reply.u32() || undefined] as const);
    return new Map(entries);
  });
}

function keysOfPorts(held: Map<string, number | undefined>): string[] {
  return [...held].filter(([, descriptor]) => descriptor === undefined).map(([key]) => key);
}

/** libnftables tells the kernel's error only by its text, in the first line of its message. */
function nftError(error: unknown): unknown {
  if (!isEngineError(error, 'system') || error.code !== 'EINVAL') return error;
  const [line = ''] = error.message.split('\n');
  const code = Object.keys(nftErrors).find((name) => line.includes(nftErrors[name]!)) ?? error.code;
  return system(error.message, { code, cause: error });
}

function decodeRunResult(reply: FieldReader): RunResult {
  const { code = null, signal = null } = decodeWaitStatus(reply.u32());
  return { code, signal, stdout: reply.bytes(), stderr: reply.bytes() };
}

function decodePidExit(reply: FieldReader): PidExit {
  const known = reply.u32() !== 0;
  return known ? decodeWaitStatus(reply.u32()) : {};
}

/** As wait(2) has it: the low seven bits are the signal, the next byte the exit code. */
function decodeWaitStatus(status: number): PidExit {
  return (status & 0x7f) === 0 ? { code: (status >> 8) & 0xff } : { signal: status & 0x7f };
}

/** The wait can be given up; the launcher's own ends with the process or with this engine. */
async function watchPid(connection: LauncherConnection, pid: number, startTime: string, signal?: AbortSignal) {
  const what = `watching process ${pid}`;
  const givenUp = () => cancelled(`${what} was given up`, { cause: signal?.reason });
  if (signal?.aborted) throw givenUp();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(givenUp());
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([connection.request(Op.watch, what, [pid, startTime], decodePidExit), aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

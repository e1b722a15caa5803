/** The client of the launcher (native/launcher/): one method per operation of its protocol. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { cancelled, describe, type EngineError, isEngineError, unavailable } from '#errors/errors.ts';
import { type LauncherConnection, openConnection } from './launcher-connection.ts';
import type { Launcher, PidExit, RunRequest, RunResult, SpawnRequest } from './launcher-types.ts';
import { type Field, type FieldReader, Op, type OpCode } from './launcher-wire.ts';

/** Exit code of an engine whose launcher is gone (EX_SOFTWARE of sysexits.h). */
const LAUNCHER_LOST = 70;
const ipProtocols = { tcp: 6, udp: 17, sctp: 132 };

/**
 * A launcher at the other end of `stream`. `kept` are the descriptors that this process inherited. `onLost` is called
 * once when the launcher goes away; the engine must then end, because another one may already be starting.
 */
export function connectLauncher(
  stream: Duplex,
  kept: ReadonlyMap<string, number>,
  onLost: (error: EngineError) => void,
): Launcher {
  const connection = openConnection(stream, onLost);
  const perform = async (op: OpCode, what: string, fields: Field[]): Promise<void> =>
    connection.request(op, what, fields, () => undefined).result;
  const ask = async <Result>(op: OpCode, what: string, fields: Field[], decode: (reply: FieldReader) => Result) =>
    connection.request(op, what, fields, decode).result;

  return {
    kept,

    mount: ({ fstype, options, attributes = 0, target }) => {
      const pairs = options.flatMap(([key, value]) => [key, value ?? undefined]);
      return perform(Op.mount, `mounting ${fstype} on ${target}`, [
        ...[fstype, target, attributes, options.length],
        ...pairs,
      ]);
    },

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

    nft: (commands, { json = false, netns } = {}) =>
      ask(Op.nft, `nft in ${netns ?? "the engine's network namespace"}`, [netns, commands, Number(json)], (reply) =>
        reply.text(),
      ),

    spawn: (request) =>
      ask(Op.spawn, `starting ${request.argv[0]}`, [...launchFields(request), request.listenSocket], (reply) => ({
        pid: reply.u32(),
      })),

    run: (request) => {
      const fields = [request.netns, ...launchFields(request), request.stdin ?? '', request.timeoutMs ?? 0];
      return ask(Op.run, `running ${request.argv[0]}`, fields, decodeRunResult);
    },

    keepDescriptor: (key, fd) => perform(Op.keep, `keeping descriptor ${fd} as ${key}`, [key, fd]),

    release: (key) => perform(Op.release, `releasing ${key}`, [key]),

    holdPort: ({ key, protocol, address, port }) =>
      ask(
        Op.holdPort,
        `binding ${protocol} port ${port} on ${address}`,
        [key, ipProtocols[protocol], address, port],
        (reply) => ({ port: reply.u32() }),
      ),

    heldPorts: () =>
      ask(Op.heldPorts, 'listing the held ports', [], (reply) =>
        Array.from({ length: reply.u32() }, () => reply.text()),
      ),

    watchPid: (pid, startTime, signal) => watchPid(connection, pid, startTime, signal),

    ready: () => perform(Op.ready, 'announcing readiness', []),

    close: () => connection.close(),
  };
}

/**
 * The launcher that started this process, by WHERRY_LAUNCHER_FD and WHERRY_KEPT, which are taken out of the
 * environment. When it is lost the process ends with code 70 unless `onLost` is given. Throws `unavailable` without one.
 */
export function launcherFromEnvironment(onLost: (error: EngineError) => void = endProcess): Launcher {
  const { WHERRY_LAUNCHER_FD: channel, WHERRY_KEPT: kept = '' } = process.env;
  delete process.env.WHERRY_LAUNCHER_FD;
  delete process.env.WHERRY_KEPT;
  if (channel === undefined) {
    throw unavailable('the engine was started without its launcher', { hint: 'Start it with bin/wherryd.' });
  }
  const socket = new Socket({ fd: Number(channel), readable: true, writable: true });
  return connectLauncher(socket, parseKept(kept), onLost);
}

function endProcess(error: EngineError): void {
  process.stderr.write(`wherryd: ${describe(error)}\n`);
  process.exit(LAUNCHER_LOST);
}

/** `key=fd;key=fd` with percent-encoded keys. */
export function parseKept(text: string): Map<string, number> {
  const entries = text.split(';').filter((entry) => entry !== '');
  return new Map(
    entries.map((entry) => {
      const [key = '', fd] = entry.split('=');
      return [decodeURIComponent(key), Number(fd)];
    }),
  );
}

/** What the engine's own environment says is for its Node alone. */
const DEFAULT_ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];

function launchFields({ argv, env, cwd }: SpawnRequest | RunRequest): Field[] {
  return [argv, 1, env ?? DEFAULT_ENVIRONMENT, cwd];
}

function decodeRunResult(reply: FieldReader): RunResult {
  const signaled = reply.u32() !== 0;
  const status = reply.u32();
  return {
    code: signaled ? null : status,
    signal: signaled ? status : null,
    stdout: reply.bytes(),
    stderr: reply.bytes(),
  };
}

/** A wait status as wait(2) has it: the low seven bits are the signal, the next byte the exit code. */
function decodePidExit(reply: FieldReader): PidExit {
  const known = reply.u32() !== 0;
  const status = reply.u32();
  if (!known) return {};
  return (status & 0x7f) === 0 ? { code: (status >> 8) & 0xff } : { signal: status & 0x7f };
}

async function watchPid(connection: LauncherConnection, pid: number, startTime: string, signal?: AbortSignal) {
  const what = `watching process ${pid}`;
  if (signal?.aborted) throw cancelled(`${what} was given up`, { cause: signal.reason });
  const { id, result } = connection.request(Op.watch, what, [pid, startTime], decodePidExit);
  const giveUp = () => connection.request(Op.unwatch, `no longer ${what}`, [id], () => undefined).result.catch(ignore);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await result;
  } catch (error) {
    if (signal?.aborted && isEngineError(error) && error.code === 'ECANCELED') {
      throw cancelled(`${what} was given up`, { cause: signal.reason });
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** The watch that is given up rejects with the same reason; nobody waits for this request. */
function ignore(): void {}

/** Mounts through the launcher, by the mount API of kernel 5.2 and later: they are made before anybody sees them. */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEngineError } from '#errors/errors.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  addCall,
  type Call,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Register,
  UMOUNT_NOFOLLOW,
} from './launcher-calls.ts';
import type { Ask, Operation } from './launcher-connection.ts';
import { withShortOptions } from './launcher-mount-options.ts';
import type { BindRequest, MountRequest } from './launcher-types.ts';
import type { Reply } from './launcher-wire.ts';

const { EINVAL, ENOENT } = constants.errno;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const AT_RECURSIVE = 0x8000;
const LOG_LINE = 1024;

/** Who only looks at a mount (df, a path on its way through it) keeps it busy for a moment. */
const BUSY_TRIES = 100;
const BUSY_PAUSE_MS = 10;

/** fsopen, fsconfig for each option, fsmount, move_mount. */
export async function mount(ask: Ask, request: MountRequest): Promise<void> {
  await withShortOptions(request.options, (options) => ask(mountOperation({ ...request, options })));
}

function mountOperation({ fstype, options, attributes = 0, target }: MountRequest): Operation<void> {
  const calls: Call[] = [];
  const context = addCall(calls, 'fsopen', 'fsopen', [fstype, FSOPEN_CLOEXEC]);
  for (const [key, value] of options) {
    const [label, command] = value === null ? [key, FSCONFIG_SET_FLAG] : [`${key}=${value}`, FSCONFIG_SET_STRING];
    addCall(calls, label, 'fsconfig', [context, command, key, value, 0]);
  }
  addCall(calls, 'creating it', 'fsconfig', [context, FSCONFIG_CMD_CREATE, null, null, 0]);
  const mounted = addCall(calls, 'fsmount', 'fsmount', [context, FSMOUNT_CLOEXEC, attributes]);
  attach(calls, mounted, target);
  const log = addCall(calls, 'its log', 'read', [context, LOG_LINE], { undoes: context });
  const explain = ({ failed, text, results }: Reply) =>
    failed > mounted.index ? undefined : `${calls[failed]!.label}: ${text}${logText(results[log.index]!.output)}`;
  return { what: `mounting ${fstype} on ${target}`, calls, decode: () => undefined, explain };
}

/** Of what the kernel wrote into the context's log, lines of "e overlay: ...". */
function logText(output: Buffer): string {
  const lines = output.toString().split('\n').slice(0, -1);
  return lines.map((line) => `; ${line.slice(2)}`).join('');
}

function attach(calls: Call[], mounted: Register, target: string): void {
  addCall(calls, 'attaching it', 'move_mount', [mounted, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH]);
}

/** open_tree, mount_setattr, move_mount. */
export async function bind(ask: Ask, request: BindRequest): Promise<void> {
  const { source, target, recursive, attributesSet = 0, attributesClear = 0, propagation = 0 } = request;
  const calls: Call[] = [];
  const below = recursive ? AT_RECURSIVE : 0;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below;
  const attributes = mountAttributes({ set: attributesSet, clear: attributesClear, propagation });
  const tree = addCall(calls, `cloning the mount of ${source}`, 'open_tree', [AT_FDCWD, source, flags]);
  addCall(calls, 'setting its attributes', 'mount_setattr', [tree, '', AT_EMPTY_PATH | below, attributes]);
  attach(calls, tree, target);
  await ask({ what: `bind mounting ${source} on ${target}`, calls, decode: () => undefined });
}

/** What is not a mount point, or not even a path, is unmounted. */
export async function unmount(ask: Ask, target: string, { detach = false } = {}): Promise<void> {
  const calls: Call[] = [];
  const flags = UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0);
  addCall(calls, 'umount', 'umount2', [target, flags], { fine: [EINVAL, ENOENT] });
  for (let tries = 1; ; tries++) {
    try {
      return await ask({ what: `unmounting ${target}`, calls, decode: () => undefined });
    } catch (error) {
      if (!isEngineError(error, 'system') || error.code !== 'EBUSY' || tries === BUSY_TRIES) throw error;
    }
    await sleep(BUSY_PAUSE_MS);
  }
}

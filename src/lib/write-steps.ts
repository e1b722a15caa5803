import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Every step in which the engine changes durable state, in the order in which the ways through it take them. The fault
 * tests kill the engine right after each one; a step without a test case fails them. A new durable change = a new row.
 */
export const WRITE_STEPS = [
  // A compressed layer comes from a registry; what is there of it is gone on with. It goes when its image is known.
  'download.folder',
  'download.validator',
  'download.write',
  'download.restart',
  'download.kept',
  'download.done',
  // A blob comes into the content store.
  'blob.create',
  'blob.write',
  'blob.fsync',
  'blob.rename',
  'blob.directory-fsync',
  // Its layer is indexed (erofs), extracted (overlay2) or noted (vfs), and its image becomes known: the commit point.
  'layer.index.write',
  'layer.index.rename',
  'layer.extract.write',
  'layer.extract.rename',
  'layer.note.write',
  'layer.note.rename',
  'layer.apply',
  'image.commit',
  // An image gets one more name.
  'image.tag.commit',
  // It was pushed: what the registry has of it is remembered.
  'image.push.blob',
  'image.push.commit',
  // An image is removed, then the layers that nobody else needs.
  'image.remove.commit',
  'image.remove.blobs',
  'layer.remove.commit',
  'layer.remove.grave',
  'layer.remove.index',
  'layer.remove.blob',
  // A volume is made, filled from an image, removed.
  'volume.create.folder',
  'volume.create.commit',
  'volume.fill',
  'volume.remove.commit',
  'volume.remove.folder',
  'volume.remove.done',
  // A network is made: its row is the commit point, its bridge follows. It is removed: bridge, then row.
  'network.create.commit',
  'network.create.bridge',
  'network.remove.bridge',
  'network.remove.commit',
  // A running container comes onto a network, or leaves it: what it shall have is the commit point, the row follows.
  'network.rewire.kept',
  'network.rewire.wired',
  'network.rewire.saved',
  // A container is created: the row is the commit point.
  'container.create.draft',
  'container.create.layer',
  'container.create.mounts',
  'container.create.config',
  'container.create.commit',
  // A host config comes with a start: its row is the commit point, volumes that nobody needs any more follow.
  'container.start.configured',
  // It is started: the runtime's own start is the commit point, the row follows, also after a start that failed.
  'container.start.network',
  'container.start.mounted',
  'container.start.bundle',
  'container.start.running',
  'container.start.saved',
  'container.start.refused',
  // A further process is run in it: created, started by the runtime or refused, ended.
  'exec.create',
  'exec.start.process',
  'exec.start.running',
  'exec.start.refused',
  'exec.end',
  // It is paused and goes on; called otherwise; given other limits.
  'container.pause.frozen',
  'container.pause.saved',
  'container.unpause.thawed',
  'container.unpause.saved',
  'container.rename.saved',
  'container.unlink.saved',
  'container.update.saved',
  'container.update.applied',
  // Somebody wants it to end, for good, or not to be started again.
  'container.stop.noted',
  'container.restart.cancelled',
  // A new daemon has noted whom it will start.
  'container.restart.wanted',
  // It exits; the monitor's exit record is the commit point.
  'container.exit.saved',
  'container.exit.network',
  'container.exit.released',
  // It is removed: the row's end is the commit point.
  'container.remove.commit',
  'container.remove.grave',
  'container.remove.layer',
  'container.remove.files',
  'container.remove.volumes',
  'container.remove.done',
  // A repair of a store whose database is not its own: rows made from files.
  'repair.image',
  'repair.container',
  'repair.volume',
  // Database and data-root agree that they belong together, at every start.
  'store.announced',
  'store.marked',
  'store.advanced',
] as const;

export type WriteStep = (typeof WRITE_STEPS)[number];

/**
 * Marks that `step` has just been done. Where the environment has `WHERRY_FAULT_FILE=<path>` and a file there says
 * `<step>:<n>[:SIGSTOP]`, the n-th passage from then on kills this process, whichever thread it is in; `*` is any step.
 * `<path>.reached` names the step by then, and the orders are gone, so that the next engine lives. With SIGSTOP, the
 * process is stopped at every passage from the n-th on: the orders stay, and no thread passes another step until
 * `<path>.reached` has been removed. Otherwise this does nothing.
 */
export const fault: (step: WriteStep) => void = armed(process.env.WHERRY_FAULT_FILE);

function armed(orders: string | undefined): (step: WriteStep) => void {
  if (!orders) return () => {};
  return (step) => {
    if (existsSync(orders)) inTurn(`${orders}.${process.pid}`, () => obey(orders, step));
  };
}

function obey(orders: string, step: WriteStep): void {
  const [wanted, passages, signal = 'SIGKILL'] = read(orders).split(':');
  if (wanted !== step && wanted !== '*') return;
  const left = Number(passages) - 1;
  if (left > 0) {
    writeFileSync(orders, `${wanted}:${left}:${signal}`);
    return;
  }
  const reached = `${orders}.reached`;
  writeFileSync(`${reached}.new`, step);
  renameSync(`${reached}.new`, reached);
  if (signal === 'SIGKILL') rmSync(orders);
  process.kill(process.pid, signal);
  while (existsSync(reached)) pause();
}

/** The threads of this process take turns. */
function inTurn(lock: string, action: () => void): void {
  while (!makeFolder(lock)) pause();
  try {
    action();
  } finally {
    rmdirSync(lock);
  }
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** Empty when another process has just removed it. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Every step in which the engine changes durable state, in the order in which the ways through it take them. The fault
 * tests kill the engine right after each one; a step without a test case fails them. A new durable change = a new row.
 */
export const WRITE_STEPS = [
  // A blob comes into the content store.
  'blob.create',
  'blob.write',
  'blob.fsync',
  'blob.rename',
  'blob.directory-fsync',
  // Its layer is indexed by the storage driver and its image becomes known: the commit point.
  'layer.apply',
  'image.commit',
  // An image is removed.
  'image.remove.commit',
  'layer.remove.index',
  'layer.remove.blob',
  // A container is created: the row is the commit point.
  'container.create.layer',
  'container.create.mounts',
  'container.create.config',
  'container.create.commit',
  // It is started: the runtime's own start is the commit point, the row follows.
  'container.start.mounted',
  'container.start.bundle',
  'container.start.running',
  'container.start.saved',
  // It exits; the monitor's exit record is the commit point.
  'container.exit.saved',
  'container.exit.released',
  // It is removed: the row's end is the commit point.
  'container.remove.commit',
  'container.remove.layer',
  'container.remove.files',
  'container.remove.volumes',
] as const;

export type WriteStep = (typeof WRITE_STEPS)[number];

/**
 * Marks that `step` has just been done. When the environment says `WHERRY_FAULT=<step>[:<n>]`, the n-th passage
 * (default the first) kills this process with SIGKILL; otherwise this does nothing.
 */
export const fault: (step: WriteStep) => void = armed(process.env.WHERRY_FAULT);

function armed(setting: string | undefined): (step: WriteStep) => void {
  if (!setting) return () => {};
  const [wanted, count = '1'] = setting.split(':');
  let left = Number(count);
  return (step) => {
    if (step === wanted && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

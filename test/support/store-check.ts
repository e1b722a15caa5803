/** Compares what the database of a quiet engine says with what is on the disk, mounted, running and in its cgroups. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDaemon } from './daemon.ts';

/** How long an engine may take to finish its background work (ms). */
const PATIENCE = 30_000;

/** The rows that the files have to agree with. */
export interface Rows {
  layers: Map<string, number>;
  images: string[];
  manifests: string[];
  /** Compressed blobs that hold layers. */
  sources: string[];
  volumes: string[];
  containers: Map<string, { running: boolean; netns: string | undefined }>;
  /** Keys of what is still to be done. */
  unfinished: string[];
}

/**
 * Waits until nothing is left that no row names, nothing is missing that one names, and every blob has its digest.
 * Throws with all that is wrong when that does not come about.
 */
export async function checkStore(daemon: TestDaemon): Promise<Rows> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const { rows, problems } = await inspectStore(daemon);
    if (problems.length === 0) return rows!;
    if (Date.now() > deadline) throw new Error(`the store is not in order:\n${problems.join('\n')}\n${daemon.log()}`);
    await sleep(50);
  }
}

async function inspectStore(daemon: TestDaemon): Promise<{ rows?: Rows; problems: string[] }> {
  let rows: Rows;
  try {
    rows = await readRows(daemon.dataRoot);
  } catch (error) {
    return { problems: [`the database cannot be read: ${(error as Error).message}`] };
  }
  const parts = [checkImages, checkContainers, checkVolumes, checkRuns, checkMounts, checkProcesses, checkCgroups];
  const problems = (await Promise.all(parts.map((part) => part(daemon, rows)))).flat();
  problems.push(...rows.unfinished.map((key) => `unfinished: ${key}`));
  return { rows, problems };
}

/** What is there of a layer that a pull has not brought to its end stays for the next one. */
const isNoDownload = (name: string) => !name.startsWith('download-');

/** Reads a copy: the engine has locked the file itself. */
export async function readRows(dataRoot: string): Promise<Rows> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-rows-'));
  try {
    for (const name of ['wherry.db', 'wherry.db-wal']) {
      await copyFile(join(dataRoot, name), join(folder, name)).catch(() => {});
    }
    const db = new DatabaseSync(join(folder, 'wherry.db'));
    const column = (sql: string) =>
      db
        .prepare(sql)
        .all()
        .map((row) => String(Object.values(row)[0]));
    try {
      return {
        layers: new Map(
          db
            .prepare('SELECT diff_id, size FROM layers')
            .all()
            .map((r) => [hex(r.diff_id), Number(r.size)]),
        ),
        images: column('SELECT id FROM images').map(hex),
        manifests: column('SELECT digest FROM manifests').map(hex),
        sources: column('SELECT digest FROM blobs').map(hex),
        volumes: column('SELECT name FROM volumes'),
        containers: new Map(column('SELECT record FROM containers').map((text) => containerOf(JSON.parse(text)))),
        unfinished: column("SELECT key FROM kv WHERE key LIKE '%/%' OR key = 'store.announced'"),
      };
    } finally {
      db.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

function containerOf({
  id,
  state,
  sandbox,
}: {
  id: string;
  state: { status: string };
  sandbox?: { netnsPath?: string };
}) {
  return [id, { running: state.status === 'running', netns: sandbox?.netnsPath }] as const;
}

async function checkImages(daemon: TestDaemon, { layers, images, manifests, sources }: Rows): Promise<string[]> {
  const content = join(daemon.dataRoot, 'content');
  const graph = join(daemon.dataRoot, 'graph');
  const problems = [
    ...compare('blob', await names(join(content, 'sha256')), [...layers.keys(), ...images, ...manifests]),
    ...compare('ingest', (await names(join(content, 'ingest'))).filter(isNoDownload), []),
    ...compare('compressed layer', (await names(join(content, 'compressed'))).filter(isNo(sources)), []),
    ...compare('work in progress', await names(join(graph, '_tmp')), []),
  ];
  problems.push(...compare('layer of the driver', await derivedLayers(graph), [...layers.keys()]));
  for (const name of await names(join(content, 'sha256'))) {
    const bytes = await readFile(join(content, 'sha256', name)).catch(() => undefined);
    const digest =
      bytes &&
      createHash('sha256')
        .update(bytes.subarray(0, layers.get(name)))
        .digest('hex');
    if (digest !== name) problems.push(`blob ${name} has the digest ${digest}`);
  }
  return problems;
}

/** The hex digests of the layers that the storage driver has made ready, whichever it is. */
async function derivedLayers(graph: string): Promise<string[]> {
  const versions = await names(join(graph, 'erofs'));
  const indexes = await Promise.all(versions.map((version) => names(join(graph, 'erofs', version))));
  const others = await Promise.all(['overlay2', 'vfs'].map((driver) => names(join(graph, driver))));
  return [...indexes, ...others].flat().map((name) => name.replace(/\.(erofs|json)$/, ''));
}

async function checkContainers(daemon: TestDaemon, { containers }: Rows): Promise<string[]> {
  const known = [...containers.keys()];
  return [
    ...compare('container folder', await names(join(daemon.dataRoot, 'containers')), known),
    ...compare('writable layer', await names(join(daemon.dataRoot, 'graph/containers')), known),
    ...compare('quarantined', await names(join(daemon.dataRoot, 'quarantine')), []),
  ];
}

async function checkVolumes(daemon: TestDaemon, { volumes }: Rows): Promise<string[]> {
  const root = join(daemon.dataRoot, 'volumes');
  const problems = [
    ...compare(
      'volume folder',
      (await names(root)).filter((name) => name !== '.copying' && name !== '.removed'),
      volumes,
    ),
    ...compare('copy', await names(join(root, '.copying')), []),
    ...compare('removed volume', await names(join(root, '.removed')), []),
  ];
  for (const name of volumes) {
    problems.push(...compare(`in volume ${name}:`, await names(join(root, name)), ['_data', 'opts.json']));
  }
  return problems;
}

async function checkRuns(daemon: TestDaemon, { containers }: Rows): Promise<string[]> {
  const running = [...containers].filter(([, container]) => container.running);
  const ids = running.map(([id]) => id);
  const problems = compare('run folder', await names(join(daemon.execRoot, 'containers')), ids);
  const states = await Promise.all(
    (await names(join(daemon.execRoot, 'runtime'))).map((runtime) => names(join(daemon.execRoot, 'runtime', runtime))),
  );
  // crun keeps a folder of its own beside its containers'.
  problems.push(
    ...compare(
      'runtime state',
      states.flat().filter((name) => name !== '.cache'),
      ids,
    ),
  );
  const pinned = new Set(await names(join(daemon.execRoot, 'netns')));
  for (const [id, { netns }] of running) {
    if (netns && !pinned.has(netns.split('/').at(-1)!)) problems.push(`missing: network namespace of ${id}`);
  }
  return problems;
}

async function checkMounts(daemon: TestDaemon, { containers, layers }: Rows): Promise<string[]> {
  const root = `${daemon.dataRoot}/graph`;
  const wanted = [...containers].filter(([, { running }]) => running).map(([id]) => `${root}/containers/${id}/merged`);
  const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const below = (folder: string) => points.filter((path) => path.startsWith(`${folder}/`));
  const mountedLayers = below(`${daemon.execRoot}/layers`).map((path) => path.split('/').at(-1)!);
  return [
    ...compare('root mount', below(`${root}/containers`), wanted),
    ...compare('volume mount', below(`${daemon.dataRoot}/volumes`), []),
    ...mountedLayers.filter((name) => !layers.has(name)).map((name) => `left: layer mount ${name}`),
    ...mountedLayers.filter((name, at) => mountedLayers.indexOf(name) !== at).map((name) => `mounted twice: ${name}`),
  ];
}

async function checkProcesses(daemon: TestDaemon, { containers }: Rows): Promise<string[]> {
  const monitored: string[] = [];
  for (const pid of await names('/proc')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('wherry-monitor') || !command.includes(daemon.folder)) continue;
    monitored.push(/\/containers\/([0-9a-f]{64})/.exec(command)?.[1] ?? command);
  }
  const running = [...containers].filter(([, container]) => container.running).map(([id]) => id);
  const twice = monitored.filter((id, at) => monitored.indexOf(id) !== at);
  return [...compare('monitor', monitored, running), ...twice.map((id) => `two monitors: ${id}`)];
}

/** Ids that were once seen, per data-root: the cgroups of others are none of this engine's. */
const seen = new Map<string, Set<string>>();

async function checkCgroups(daemon: TestDaemon, { containers }: Rows): Promise<string[]> {
  const ids = seen.get(daemon.dataRoot) ?? new Set();
  seen.set(daemon.dataRoot, ids);
  for (const id of containers.keys()) ids.add(id);
  const problems: string[] = [];
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  for (const [, root] of mounts.filter(([, , type]) => type?.startsWith('cgroup'))) {
    for (const id of await names(`${root}/wherry`)) {
      if (ids.has(id) && !containers.get(id)?.running) problems.push(`left: cgroup ${root}/wherry/${id}`);
    }
  }
  return problems;
}

function compare(what: string, found: string[], wanted: string[]): string[] {
  const [there, expected] = [new Set(found), new Set(wanted)];
  return [
    ...[...there.difference(expected)].map((name) => `left: ${what} ${name}`),
    ...[...expected.difference(there)].map((name) => `missing: ${what} ${name}`),
  ];
}

/** What may be there, and need not. */
function isNo(allowed: string[]): (name: string) => boolean {
  return (name) => !allowed.includes(name);
}

/** The entries of a folder; none when it is not there. */
async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

const hex = (digest: unknown) => String(digest).replace('sha256:', '');

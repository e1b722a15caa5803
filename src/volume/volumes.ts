import type { MountPoint } from '#api/types/mount.ts';
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#api/types/volume.ts';
import { conflict, describe, isEngineError, notFound, system } from '#errors/errors.ts';
import { booleanFilter, checkFilterNames, type Filters, matchesAny, matchesLabels } from '#lib/filters.ts';
import { KeyedMutex } from '#lib/locks.ts';
import { randomId } from '#lib/names.ts';
import { fault } from '#lib/write-steps.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type MountInfo, readMountInfo } from '#linux/mountinfo.ts';
import type { Database } from '#metadata/database.ts';
import { checkVolumes, type VolumeCheck } from './check-volumes.ts';
import { copyUp } from './copy-up.ts';
import { checkDriverOptions, optionsMount } from './driver-options.ts';
import { noteClaimed, noteRemoval, noteRemoved, noteUnclaimed, unclaimedVolumes, unfinishedRemovals } from './notes.ts';
import { VolumeFolders } from './volume-folders.ts';
import { checkVolumeName } from './volume-name.ts';
import { ANONYMOUS_LABEL, parseVolume, serializeVolume, type VolumeRecord, volumeView } from './volume-record.ts';

export type VolumeEvent = (
  action: 'create' | 'mount' | 'unmount' | 'destroy',
  name: string,
  attributes: Record<string, string>,
) => void;

export interface VolumeStoreOptions {
  /** `<data-root>/volumes` */
  root: string;
  database: Pick<Database, 'read' | 'write'>;
  launcher: Pick<Launcher, 'run' | 'mount' | 'bind' | 'unmount'>;
  onEvent?: VolumeEvent;
  /** A folder that no row names was put aside here. */
  onQuarantine?: (path: string) => void;
  /** False when the store cannot be trusted: nothing is deleted or moved. */
  sweep?: boolean;
}

/** A container and the volumes it names, as an earlier engine left them. */
export interface VolumeUser {
  containerId: string;
  mountPoints: readonly MountPoint[];
  /** False = known not to run: its volumes need not stay mounted. */
  running?: boolean;
}

const FILTERS: ReadonlySet<string> = new Set(['dangling', 'driver', 'label', 'name']);

/** Reads the volumes of a data-root and finishes what an earlier engine left half done. */
export async function openVolumes(options: VolumeStoreOptions): Promise<VolumeStore> {
  const rows = await options.database.read<{ record: string }>('SELECT record FROM volumes');
  const records = rows.map(({ record }) => parseVolume(record));
  const folders = new VolumeFolders(options.root, options.launcher);
  if (options.sweep !== false) {
    const removed = await unfinishedRemovals(options.database);
    const quarantined = await folders.sweep(new Set(records.map(({ name }) => name)), new Set(removed));
    if (removed.length > 0) await options.database.write(removed.map(noteRemoved));
    for (const path of quarantined) options.onQuarantine?.(path);
  }
  return new VolumeStore(options, folders, records);
}

/** The volumes of the engine: which exist, which containers name them, and which are mounted. */
export class VolumeStore {
  readonly #options: VolumeStoreOptions;
  readonly #folders: VolumeFolders;
  readonly #records: Map<string, VolumeRecord>;
  /** Volume -> containers that name it, running or not. */
  readonly #users = new Map<string, Set<string>>();
  /** Volume with options -> containers that run with it mounted. */
  readonly #mounted = new Map<string, Set<string>>();
  readonly #locks = new KeyedMutex();

  constructor(options: VolumeStoreOptions, folders: VolumeFolders, records: readonly VolumeRecord[]) {
    this.#options = options;
    this.#folders = folders;
    this.#records = new Map(records.map((record) => [record.name, record]));
  }

  /**
   * `POST /volumes/create`; an existing volume of that name is given as it is. Without a name it is anonymous. `user`
   * names it from the start. Throws `invalid` for a bad name or bad options, `not-found` for another driver.
   */
  async create(request: Partial<VolumeCreateRequest>, user?: string): Promise<Volume> {
    const anonymous = !request.Name;
    const name = request.Name || randomId();
    checkVolumeName(name);
    if (request.Driver && request.Driver !== 'local') {
      const { Driver: driver } = request;
      throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`, {
        hint: 'The only volume driver is local.',
      });
    }
    const options = request.DriverOpts ?? null;
    return this.#locks.run(name, async () => {
      if (!this.#records.has(name)) {
        checkDriverOptions(name, options ?? {});
        const labels = anonymous ? { ...request.Labels, [ANONYMOUS_LABEL]: '' } : (request.Labels ?? null);
        await this.#make(
          { version: 1, name, createdAt: wholeSeconds(), labels, options },
          anonymous ? user : undefined,
        );
      }
      if (user !== undefined) this.#addUser(name, user);
      return this.inspect(name);
    });
  }

  /** Throws `not-found`. */
  inspect(name: string): Volume {
    return volumeView(this.#get(name), this.#folders.data(name));
  }

  /** Filters: `dangling`, `driver`, `label`, `name` (a part of it). Throws `invalid` for another one. */
  list(filters: Filters): VolumeListResponse {
    checkFilterNames(filters, FILTERS);
    const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
    const records = [...this.#records.values()].filter(
      ({ name, labels }) =>
        (dangling === undefined || dangling === !this.#users.has(name)) &&
        matchesAny(filters, 'driver', (wanted) => wanted === 'local') &&
        matchesAny(filters, 'name', (wanted) => name.includes(wanted)) &&
        matchesLabels(filters, 'label', labels),
    );
    records.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { Volumes: records.map(({ name }) => this.inspect(name)), Warnings: null };
  }

  /** Throws `not-found` (unless forced) and `conflict` while a container names the volume. */
  async remove(name: string, { force = false } = {}): Promise<void> {
    await this.#locks.run(name, async () => {
      if (force && !this.#records.has(name)) return;
      const record = this.#get(name);
      const users = this.#users.get(name);
      if (users) {
        throw conflict(`remove ${name}: volume is in use - [${[...users].join(', ')}]`, {
          hint: 'Remove these containers first.',
        });
      }
      if (record.options) await this.#options.launcher.unmount(this.#folders.data(name));
      await this.#options.database.write([
        { sql: 'DELETE FROM volumes WHERE name = ?', params: [name] },
        noteClaimed(name),
        noteRemoval(name),
      ]);
      fault('volume.remove.commit');
      this.#records.delete(name);
      this.#options.onEvent?.('destroy', name, { driver: 'local' });
      await this.#folders.remove(name);
      fault('volume.remove.folder');
      await this.#options.database.write([noteRemoved(name)]);
      fault('volume.remove.done');
    });
  }

  /** For anonymous volumes that go with their container: one that is gone or still in use is left. */
  async removeIfUnused(name: string): Promise<void> {
    try {
      await this.remove(name, { force: true });
    } catch (error) {
      if (!isEngineError(error, 'conflict')) throw error;
    }
  }

  /** How many containers name the volume. */
  userCount(name: string): number {
    return this.#users.get(name)?.size ?? 0;
  }

  /** A container names a volume from now on. Throws `not-found`. */
  use(name: string, containerId: string): void {
    this.#get(name);
    this.#addUser(name, containerId);
  }

  /** A container is gone: it names no volume any more. */
  release(containerId: string): void {
    for (const name of [...this.#users.keys()]) remove(this.#users, name, containerId);
  }

  /** Takes over the containers of an earlier engine, and removes what it made for a container that never came. */
  async restore(users: readonly VolumeUser[]): Promise<void> {
    const mounts = await readMountInfo();
    const mountPoints = new Set(mounts.map(({ mountPoint }) => mountPoint));
    for (const { containerId, mountPoints: points, running } of users) {
      for (const name of volumesOf(points)) {
        this.#addUser(name, containerId);
        const mounted = mountPoints.has(this.#folders.data(name)) && this.#records.get(name)?.options;
        if (mounted && running !== false) add(this.#mounted, name, containerId);
      }
    }
    if (this.#options.sweep === false) return;
    await this.#unmountUnused(mounts);
    for (const name of await unclaimedVolumes(this.#options.database)) await this.removeIfUnused(name);
  }

  has(name: string): boolean {
    return this.#records.has(name);
  }

  /** Where folders lie that no row names. */
  quarantined(): Promise<string[]> {
    return this.#folders.quarantined();
  }

  /** See `checkVolumes`. */
  check(check: VolumeCheck): Promise<number> {
    const { database } = this.#options;
    const holding = <T>(name: string, work: () => Promise<T>) => this.#locks.run(name, work);
    return checkVolumes({ database, folders: this.#folders, records: this.#records, holding }, check);
  }

  /** Mounts what a container's volumes need before it starts. Throws `not-found` for one that is gone. */
  async mountAll(containerId: string, points: readonly MountPoint[]): Promise<void> {
    for (const name of volumesOf(points)) await this.#locks.run(name, () => this.#mount(name, containerId));
  }

  /** After a container's end; can be repeated. */
  async unmountAll(containerId: string): Promise<void> {
    for (const [name, users] of [...this.#mounted]) {
      if (users.has(containerId)) await this.#locks.run(name, () => this.#unmount(name, containerId));
    }
  }

  /**
   * Fills an empty volume from the image of a container that names it and is not running, whose root is mounted at
   * `rootfs`. See `copyUp`.
   */
  async populate(name: string, containerId: string, rootfs: string, path: string): Promise<void> {
    await this.#locks.run(name, async () => {
      const data = this.#folders.data(name);
      const shared = this.#get(name).options !== null || (this.#users.get(name)?.size ?? 0) > 1;
      const staging = shared ? undefined : this.#folders.staging(name);
      await this.#mount(name, containerId);
      try {
        await copyUp(this.#options.launcher, { rootfs, path, data, staging });
        fault('volume.fill');
      } finally {
        await this.#unmount(name, containerId);
      }
    });
  }

  /** `onlyFor`: the container whose removal is the volume's, and whose creation is under way. */
  async #make(record: VolumeRecord, onlyFor: string | undefined): Promise<void> {
    await this.#folders.make(record);
    fault('volume.create.folder');
    try {
      await this.#options.database.write([
        { sql: 'INSERT INTO volumes (name, record) VALUES (?, ?)', params: [record.name, serializeVolume(record)] },
        ...(onlyFor === undefined ? [] : [noteUnclaimed(record.name)]),
      ]);
    } catch (error) {
      await this.#folders.remove(record.name);
      throw error;
    }
    fault('volume.create.commit');
    this.#records.set(record.name, record);
    this.#options.onEvent?.('create', record.name, { driver: 'local' });
  }

  /** What an engine mounted and was killed before it could take it down. */
  async #unmountUnused(mounts: readonly MountInfo[]): Promise<void> {
    const unused = [...this.#records.values()].filter(({ name, options }) => options && !this.#mounted.has(name));
    const folders = new Set(unused.map(({ name }) => this.#folders.data(name)));
    for (const { mountPoint } of mounts) {
      if (folders.has(mountPoint)) await this.#options.launcher.unmount(mountPoint, { detach: true });
    }
  }

  async #mount(name: string, containerId: string): Promise<void> {
    const { options } = this.#get(name);
    if (!options?.device) return;
    const target = this.#folders.data(name);
    if (!this.#mounted.has(name)) {
      try {
        const request = await optionsMount(options, target);
        if ('bind' in request) await this.#options.launcher.bind(request.bind);
        else await this.#options.launcher.mount(request.mount);
      } catch (cause) {
        throw system(`error while mounting volume '${target}': failed to mount local volume: ${describe(cause)}`, {
          hint: `The volume's options: ${JSON.stringify(options)}`,
          cause,
        });
      }
    }
    add(this.#mounted, name, containerId);
  }

  async #unmount(name: string, containerId: string): Promise<void> {
    if (!this.#mounted.get(name)?.has(containerId)) return;
    remove(this.#mounted, name, containerId);
    if (!this.#mounted.has(name)) await this.#options.launcher.unmount(this.#folders.data(name), { detach: true });
  }

  #get(name: string): VolumeRecord {
    const record = this.#records.get(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  }

  #addUser(name: string, containerId: string): void {
    add(this.#users, name, containerId);
  }
}

function volumesOf(points: readonly MountPoint[]): string[] {
  return points.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : []));
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

/** A set that becomes empty goes. */
function remove(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}

function wholeSeconds(): string {
  return new Date().toISOString().replace(/\.\d+/, '');
}

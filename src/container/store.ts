import { conflict, invalid, isEngineError, notFound } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { NAME_PATTERN, randomName } from '#lib/names.ts';
import { TruncIndex } from '#lib/truncindex.ts';
import type { Database } from '#metadata/database.ts';
import { noteClaimed } from '#volume/notes.ts';
import { Container } from './container.ts';
import { namesByLinks, renamedLinks } from './link-names.ts';
import { type ContainerRecord, layersOf, parseRecord, serializeRecord } from './record.ts';

/** kv key of a container whose row is gone while its files are not yet. */
const REMOVAL_PREFIX = 'removing-container/';

/** What has to be known to take down the last run of a container. */
export interface RunResources {
  id: string;
  /** Its name; empty = the default. */
  runtime: string;
  /** It had a /dev/shm that others could mount. */
  shareableIpc: boolean;
  /** Layers of the images that it had mounted. */
  imageLayers?: readonly string[];
}

/** What a removed container leaves to be deleted. */
export interface Leftovers extends RunResources {
  /** The layers that it stood on, which nobody else may need. */
  chain: readonly Digest[];
  anonymousVolumes: readonly string[];
}

/** A removed container. */
interface Leaving {
  /** The layers that it stands on. */
  chain: readonly Digest[];
  /** The end of the work on its files, once that has begun. */
  ended?: Promise<void>;
}

/** All containers in memory, by id, unique id prefix and name; every change goes to the database first or at once. */
export class ContainerStore {
  readonly #db: Pick<Database, 'read' | 'write'>;
  readonly #byId = new Map<string, Container>();
  /** Names in use or being given; a name is taken before its row is written. */
  readonly #byName = new Map<string, string>();
  readonly #ids = new TruncIndex();
  /** Removed containers whose roots may still be mounted. */
  readonly #leaving = new Map<string, Leaving>();

  constructor(db: Pick<Database, 'read' | 'write'>) {
    this.#db = db;
  }

  /** Reads every row. Gives the containers whose row was deleted but whose files may still be there. */
  async load(): Promise<{ unfinishedRemovals: Leftovers[] }> {
    for (const row of await this.#db.read<{ record: string }>('SELECT record FROM containers')) {
      this.#insert(new Container(parseRecord(row.record)));
    }
    const rows = await this.#db.read<{ value: string }>('SELECT value FROM kv WHERE key GLOB ?', [
      `${REMOVAL_PREFIX}*`,
    ]);
    const unfinishedRemovals = rows.map(({ value }) => JSON.parse(value) as Leftovers);
    for (const { id, chain } of unfinishedRemovals) this.#leaving.set(id, { chain });
    return { unfinishedRemovals };
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Newest first. */
  list(): Container[] {
    return [...this.#byId.values()].sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
  }

  [Symbol.iterator](): IterableIterator<Container> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** True for a container, and for one that is being made or removed. */
  knows(id: string): boolean {
    return this.#byId.has(id) || this.#leaving.has(id) || this.#byName.values().some((holder) => holder === id);
  }

  /** Ids of removed containers whose files may still be there. */
  async unfinishedRemovals(): Promise<Set<string>> {
    const rows = await this.#db.read<{ key: string }>('SELECT key FROM kv WHERE key GLOB ?', [`${REMOVAL_PREFIX}*`]);
    return new Set(rows.map(({ key }) => key.slice(REMOVAL_PREFIX.length)));
  }

  /** Whether the root of a container stands on this layer, also of one that is just going. */
  usesLayer(diffId: Digest): boolean {
    for (const { record } of this.#byId.values()) if (layersOf(record).includes(diffId)) return true;
    for (const { chain } of this.#leaving.values()) if (chain.includes(diffId)) return true;
    return false;
  }

  /** The files of a removed container are being deleted until `ended`, which never rejects. */
  leave(id: string, ended: Promise<void>): void {
    const leaving = this.#leaving.get(id);
    if (leaving) leaving.ended = ended;
  }

  /** Resolves when the containers that are just going have let go of these layers, or failed to. */
  async untilLeft(diffIds: readonly Digest[]): Promise<void> {
    const going = [...this.#leaving.values()].filter(({ chain }) => chain.some((diffId) => diffIds.includes(diffId)));
    await Promise.all(going.map(({ ended }) => ended));
  }

  /** The root of a removed container is gone: it uses its layers no more. */
  dropRoot(id: string): void {
    this.#leaving.delete(id);
  }

  /** By id, name (with or without slash) or unique id prefix. Throws `not-found`, or `invalid` for an ambiguous prefix. */
  get(reference: string): Container {
    const name = reference.replace(/^\//, '');
    const exact = this.#byId.get(reference) ?? this.#byId.get(this.#byName.get(name) ?? '') ?? this.#byLink(name);
    if (exact) return exact;
    const found = this.#ids.find(reference);
    if (found === 'ambiguous') {
      throw invalid(`Multiple IDs found with provided prefix: ${reference}`, { hint: 'Give more of its digits.' });
    }
    const container = found && this.#byId.get(found.id);
    if (!container) throw notFound(`No such container: ${reference}`);
    return container;
  }

  /** Takes `name`, or a free random one, for the container `id`. Throws `invalid` or `conflict` in Docker's words. */
  reserveName(id: string, name: string | undefined): string {
    if (name === undefined || name === '') {
      for (let attempt = 0; ; attempt++) {
        const candidate = randomName(attempt);
        if (this.#byName.has(candidate)) continue;
        this.#byName.set(candidate, id);
        return candidate;
      }
    }
    const wanted = name.replace(/^\//, '');
    if (!NAME_PATTERN.test(wanted)) {
      throw invalid(`Invalid container name (${wanted}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
        hint: 'Names have two characters at least.',
      });
    }
    const holder = this.#byName.get(wanted);
    if (holder !== undefined) {
      throw conflict(
        `Conflict. The container name "/${wanted}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#byName.set(wanted, id);
    return wanted;
  }

  releaseName(id: string, name: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }

  /** Writes the row of a new container, whose name was reserved, which makes its volumes its own, and makes it visible. */
  async add(record: ContainerRecord): Promise<Container> {
    await this.#db.write([
      {
        sql: 'INSERT INTO containers (id, name, record) VALUES (?, ?, ?)',
        params: [record.id, record.name, serializeRecord(record)],
      },
      ...record.anonymousVolumes.map(noteClaimed),
    ]);
    const container = new Container(record);
    this.#insert(container);
    return container;
  }

  /** Writes the record as it is now. A container that was removed meanwhile stays removed. */
  async save(container: Container): Promise<void> {
    await this.#db.write([update(container)]);
  }

  /**
   * Gives a container another name, which was reserved for it; its old one is free when it resolves. Links follow, all in
   * one transaction.
   */
  async rename(container: Container, name: string): Promise<void> {
    const { id, name: old } = container;
    const linked = [...this.#byId.values()].flatMap((other) => {
      const { hostConfig } = other.record;
      const Links = renamedLinks(hostConfig.Links, old, name);
      return Links ? [{ other, before: hostConfig, after: { ...hostConfig, Links } }] : [];
    });
    container.setName(name);
    for (const { other, after } of linked) other.setHostConfig(after);
    try {
      await this.#db.write([container, ...linked.map(({ other }) => other)].map(update));
    } catch (error) {
      container.setName(old);
      for (const { other, before } of linked) other.setHostConfig(before);
      this.releaseName(id, name);
      throw error;
    }
    this.releaseName(id, old);
  }

  /** Deletes the row and notes what is left to delete; from then on nobody finds the container. */
  async remove(container: Container, leftovers: Leftovers): Promise<void> {
    const { id, name } = container;
    await this.#db.write([
      { sql: 'DELETE FROM containers WHERE id = ?', params: [id] },
      {
        sql: 'INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)',
        params: [`${REMOVAL_PREFIX}${id}`, JSON.stringify(leftovers)],
      },
    ]);
    this.#leaving.set(id, { chain: leftovers.chain });
    this.#byId.delete(id);
    this.#ids.delete(id);
    this.releaseName(id, name);
  }

  /** The files of a removed container are gone, too. */
  async finishRemoval(id: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM kv WHERE key = ?', params: [`${REMOVAL_PREFIX}${id}`] }]);
  }

  /** The container that a link calls `web/alias`. */
  #byLink(name: string): Container | undefined {
    if (!name.includes('/')) return undefined;
    for (const { record } of this) {
      for (const [target, names] of namesByLinks([record.hostConfig.Links])) {
        if (names.includes(`/${name}`)) return this.#byId.get(this.#byName.get(target) ?? '');
      }
    }
    return undefined;
  }

  #insert(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container.id);
    this.#ids.add(container.id);
  }
}

function update({ record }: Container) {
  const params = [record.name, serializeRecord(record), record.id];
  return { sql: 'UPDATE containers SET name = ?, record = ? WHERE id = ?', params };
}

/** The container of that name, undefined when there is none. */
export function findContainer(store: ContainerStore, reference: string): Container | undefined {
  try {
    return store.get(reference);
  } catch (error) {
    if (isEngineError(error, 'not-found')) return undefined;
    throw error;
  }
}

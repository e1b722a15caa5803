/** A graph over a data-root of its own, with the real driver, database and kernel; gone when the test ends. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressMessage } from '#api/types/image.ts';
import { type ContentStore, openContentStore } from '#content/store.ts';
import { type Graph, type GraphOptions, openGraph } from '#graph/graph.ts';
import type { LoadOptions } from '#graph/load/load.ts';
import { DRIVERS, type GraphDriver } from '#graphdriver/driver.ts';
import { openDriver } from '#graphdriver/open-driver.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type Database, openDatabase } from '#metadata/database.ts';
import { defaultDriver, driverOptions } from './driver.ts';
import { startLauncher } from './launcher.ts';

export interface TestGraph {
  root: string;
  db: Database;
  content: ContentStore;
  driver: GraphDriver;
  graph: Graph;
  /** Loads the archive at `path` and gives the messages. */
  load(path: string, options?: LoadOptions): Promise<ProgressMessage[]>;
  /** Closes everything but the data-root, and opens it again as the next engine would. */
  reopen(options?: Partial<GraphOptions>): Promise<void>;
}

export async function openTestGraph(t: TestContext, options: Partial<GraphOptions> = {}): Promise<TestGraph> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-graph-'));
  return openTestGraphAt(t, root, options);
}

/** The same over a data-root that is there already. */
export async function openTestGraphAt(
  t: TestContext,
  root: string,
  options: Partial<GraphOptions> = {},
): Promise<TestGraph> {
  const test = await openGraphAt(root, options);
  t.after(async () => {
    await test.close();
    await rm(root, { recursive: true, force: true });
  });
  return test;
}

/** The same; `close` leaves the data-root. */
export async function openGraphAt(
  root: string,
  options: Partial<GraphOptions> = {},
): Promise<TestGraph & { close(): Promise<void> }> {
  const server = await startLauncher();
  const test: TestGraph = {
    root,
    ...(await openParts(root, server.launcher, options)),
    load: async (path, loadOptions) => {
      const messages: ProgressMessage[] = [];
      await test.graph.load(createReadStream(path), loadOptions, (message) => messages.push(message));
      return messages;
    },
    reopen: async (more = {}) => {
      await test.graph.close();
      await test.db.close();
      Object.assign(test, await openParts(root, server.launcher, { ...options, ...more }));
    },
  };
  const close = async () => {
    await test.graph.close();
    await test.driver.cleanup();
    await test.db.close();
    for (const path of ['graph', 'layers']) await server.launcher.unmount(join(root, path), { detach: true });
    await server.close();
  };
  return Object.assign(test, { close });
}

/** A graph and what it stands on, as the daemon puts them together. */
export async function openParts(root: string, launcher: Launcher, options: Partial<GraphOptions> = {}) {
  const db = await openDatabase(join(root, 'wherry.db'));
  const content = await openContentStore(root);
  const contentPath = (diffId: string) => content.pathOf(diffId as Digest);
  const driver = await openDriver(defaultDriver, driverOptions(root, launcher, contentPath));
  const graph = await openGraph({ db, content, driver, ...options });
  return { db, content, driver, graph };
}

/** What of images and layers is on the disk and in the database: blobs, indexes, unfinished work, rows. */
export async function storedThings({
  root,
  db,
}: TestGraph): Promise<{ files: string[]; rows: Record<string, number> }> {
  const files: string[] = [];
  for (const folder of ['content', ...DRIVERS.map((name) => `graph/${name}`), 'graph/_tmp']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const isLeftover = entry.isFile() || entry.parentPath.endsWith('/ingest');
      if (isLeftover) files.push(relative(root, join(entry.parentPath, entry.name)));
    }
  }
  const rows: Record<string, number> = {};
  for (const table of ['images', 'refs', 'manifests', 'layers', 'blobs']) {
    const [row] = await db.read<{ n: number }>(`SELECT count(*) AS n FROM ${table}`);
    if (row!.n > 0) rows[table] = row!.n;
  }
  return { files, rows };
}

/** Nothing of any image is left anywhere, once what is deleted in the background is. */
export async function assertNothingStored(graph: TestGraph): Promise<void> {
  const deleting = async () => (await readdir(join(graph.root, 'graph/_tmp'))).length > 0;
  for (const deadline = Date.now() + 5000; (await deleting()) && Date.now() < deadline; ) await sleep(10);
  assert.deepEqual(await storedThings(graph), { files: [], rows: {} });
  assert.deepEqual(graph.graph.list(), []);
}

/** Everything that the graph lists is whole: configs and layers have their digests, and no other blob is there. */
export async function assertWhole({ graph, content, driver, db }: TestGraph): Promise<void> {
  const named = new Set<string>();
  for (const { Id } of graph.list({ all: true })) {
    named.add(Id);
    const image = graph.get(Id);
    await content.read(image.id);
    for (const diffId of image.diffIds) {
      named.add(diffId);
      const [row] = await db.read<{ size: number }>('SELECT size FROM layers WHERE diff_id = ?', [diffId]);
      const tar = (await readFile(content.pathOf(diffId))).subarray(0, row!.size);
      assert.equal(digestOf(tar), diffId);
      assert.ok(await driver.exists(diffId), `${diffId} is indexed`);
    }
  }
  for (const { digest } of await db.read<{ digest: string }>('SELECT digest FROM manifests')) named.add(digest);
  assert.deepEqual((await Array.fromAsync(content.list())).sort(), [...named].sort());
}

/** A graph over a data-root of its own, with the real driver, database and kernel; gone when the test ends. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ProgressMessage } from '#api/types/image.ts';
import { type ContentStore, openContentStore } from '#content/store.ts';
import { type Graph, type GraphOptions, openGraph } from '#graph/graph.ts';
import type { LoadOptions } from '#graph/load.ts';
import type { GraphDriver } from '#graphdriver/driver.ts';
import { createErofsDriver } from '#graphdriver/erofs/erofs-driver.ts';
import { type Database, openDatabase } from '#metadata/database.ts';
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
  const server = await startLauncher();
  const open = async (more: Partial<GraphOptions>) => {
    const db = await openDatabase(join(root, 'wherry.db'));
    const content = await openContentStore(root);
    const driver = await createErofsDriver({
      root: join(root, 'graph'),
      layersRoot: join(root, 'layers'),
      launcher: server.launcher,
      contentPath: (diffId) => content.pathOf(diffId as `sha256:${string}`),
    });
    const graph = await openGraph({ db, content, driver, ...options, ...more });
    return { db, content, driver, graph };
  };
  const test: TestGraph = {
    root,
    ...(await open({})),
    load: async (path, loadOptions) => {
      const messages: ProgressMessage[] = [];
      await test.graph.load(createReadStream(path), loadOptions, (message) => messages.push(message));
      return messages;
    },
    reopen: async (more = {}) => {
      await test.graph.close();
      await test.db.close();
      Object.assign(test, await open(more));
    },
  };
  t.after(async () => {
    await test.graph.close();
    await test.driver.cleanup();
    await test.db.close();
    for (const path of ['graph', 'layers']) await server.launcher.unmount(join(root, path), { detach: true });
    await server.close();
    await rm(root, { recursive: true, force: true });
  });
  return test;
}

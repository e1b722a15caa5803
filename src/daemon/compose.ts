import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ExecStore } from '#container/exec-store.ts';
import { ContainerStore } from '#container/store.ts';
import { openContentStore } from '#content/store.ts';
import { describe, unavailable } from '#errors/errors.ts';
import { EventLog, HISTORY_LIMIT } from '#events/events.ts';
import { EventJournal } from '#events/journal.ts';
import { openGraph } from '#graph/graph.ts';
import { setUpInitLayer } from '#graphdriver/init-layer.ts';
import { openDriver } from '#graphdriver/open-driver.ts';
import type { DriverOptions } from '#graphdriver/parts.ts';
import { Mutex } from '#lib/locks.ts';
import { createLogger } from '#lib/log.ts';
import { KeyedTimers } from '#lib/timers.ts';
import { detectCgroups } from '#linux/cgroup.ts';
import { cgroupWarmer } from '#linux/cgroup-warmth.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { openDatabase } from '#metadata/database.ts';
import { openNetworks } from '#network/open-networks.ts';
import { RegistryClient } from '#registry/client.ts';
import { CdiLibrary } from '#runtime/cdi/library.ts';
import { readHostFacts } from '#runtime/spec/host-facts.ts';
import { Sampler } from '#stats/sampler.ts';
import { openVolumes } from '#volume/volumes.ts';
import type { DaemonConfig } from './config/config.ts';
import { Background, beginEnd, type Engine } from './engine.ts';
import { sweepExecs } from './exec/sweep.ts';
import { findDriver } from './find-driver.ts';
import { imageUsers } from './images/image-users.ts';
import { startDue } from './launch/auto-restart.ts';
import { watchOom } from './launch/oom.ts';
import { enginePaths } from './paths.ts';
import { PRODUCT } from './product.ts';
import { restoreContainers } from './restore.ts';
import { findProgram, findRuntimes } from './runtimes.ts';
import { readOnlyReason } from './store-identity.ts';

const NATIVE = resolve(import.meta.dirname, '../../native/build');

/**
 * THE composition root: makes every part of the engine from its configuration, in the order in which they need each
 * other, and brings them in line with what runs. The engine can serve when it resolves.
 */
export async function composeEngine(config: DaemonConfig, launcher: Launcher): Promise<Engine> {
  let engine: Engine | undefined;
  const log = createLogger({
    level: () => engine?.config.logLevel ?? config.logLevel,
    format: config.logFormat,
    write: (line) => process.stderr.write(line),
  });
  if (config.cgroupDriver === 'systemd') requireSystemd();
  const paths = enginePaths(config.dataRoot, config.execRoot);
  await mkdir(paths.dataRoot, { recursive: true, mode: 0o710 });
  for (const folder of [paths.execRoot, paths.containers, paths.runs]) {
    await mkdir(folder, { recursive: true, mode: 0o711 });
  }
  const database = await openDatabase(paths.database, { onFailure: (error) => endProcess(error) });
  const readOnly = await readOnlyReason(paths.dataRoot, database);
  if (readOnly) log.error(readOnly.message, { hint: readOnly.hint });
  const sweep = !readOnly;
  const [content, host, cgroups, bootId] = await Promise.all([
    openContentStore(paths.dataRoot),
    readHostFacts(config.seccompProfile),
    detectCgroups(),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ]);
  const journal = await EventJournal.open(paths.events, {
    limit: HISTORY_LIMIT,
    onFailure: (error) => log.warn('events could not be written down', { error: describe(error) }),
  });
  const events = new EventLog(journal.events, (event) => journal.append(event));
  const containers = new ContainerStore(database);
  const driverOptions: DriverOptions = {
    root: paths.graph,
    layersRoot: paths.layers,
    launcher,
    contentPath: content.pathOf as DriverOptions['contentPath'],
    sweep,
  };
  const driverName = await findDriver(driverOptions, {
    wanted: config.storageDriver,
    database,
    bootId: bootId.trim(),
    log,
  });
  const [driver, networks, runtimes, id, init] = await Promise.all([
    openDriver(driverName, driverOptions),
    openNetworks({
      store: database,
      launcher,
      execRoot: paths.execRoot,
      settings: config.network,
      log: (message) => log.info(message),
    }),
    findRuntimes(config.runtimes, join(paths.execRoot, 'probe'), launcher, log),
    engineId(database),
    findInit(config.initPath),
  ]);
  if (sweep) await setUpInitLayer(paths.graph);
  const graph = await openGraph({
    db: database,
    content,
    driver,
    users: (imageId) => imageUsers(containers, imageId),
    usedByContainer: (diffId) => containers.usesLayer(diffId),
    onEvent: ({ action, imageId, name, labels }) => events.publish('image', action, imageId, { ...labels, name }),
    warn: (message) => log.warn(message),
    maxDownloads: config.maxDownloads,
    maxUploads: config.maxUploads,
    keepCompressed: config.compressedLayers === 'keep',
  });
  const registry = new RegistryClient({ ...config.registries, userAgent: `wherry/${PRODUCT.version}` });
  const volumes = await openVolumes({
    root: paths.volumes,
    database,
    launcher,
    sweep,
    onEvent: (action, name, attributes) => events.publish('volume', action, name, attributes),
    onQuarantine: (path) => log.warn('the folder of an unknown volume was put aside', { path }),
  });
  const warmth = cgroupWarmer(cgroups);
  engine = {
    config,
    readOnly,
    id,
    bootId: bootId.trim(),
    paths,
    launcher,
    database,
    driver,
    graph,
    registry,
    networks,
    volumes,
    containers,
    execs: new ExecStore(),
    events,
    journal,
    stats: new Sampler(),
    runtimes,
    cdi: new CdiLibrary(config.cdiSpecDirs),
    host,
    cgroups,
    warmCgroups: () => void engine!.background.run('warming up', warmth),
    log,
    ending: false,
    restarts: new KeyedTimers((id) => startDue(engine!, id)),
    check: new Mutex(),
    realtime: new Mutex(),
    monitor: join(NATIVE, 'wherry-monitor'),
    init,
    background: new Background(log),
  };
  await restoreContainers(engine);
  sweepExecs(engine);
  watchOom(engine);
  return engine;
}

/** Ends the engine's part of everything; containers, their mounts and networks stay. */
export async function closeEngine(engine: Engine): Promise<void> {
  beginEnd(engine);
  await engine.background.idle();
  const { networks, registry, driver, database, journal } = engine;
  const ends = [
    () => networks.close(),
    () => registry.close(),
    () => driver.cleanup(),
    () => database.close(),
    () => journal.close(),
  ];
  for (const end of ends) {
    try {
      await end();
    } catch (error) {
      engine.log.warn('not everything was taken down', { error: describe(error) });
    }
  }
}

/** Source: sd_booted(3). */
function requireSystemd(): void {
  if (existsSync('/run/systemd/system')) return;
  throw unavailable('native.cgroupdriver=systemd is configured, but systemd does not run on this machine', {
    hint: 'Leave it out, or say native.cgroupdriver=cgroupfs.',
  });
}

/** A database that cannot be written to any more cannot be worked around: the launcher starts another engine. */
function endProcess(error: Error): never {
  process.stderr.write(`wherryd: ${error.message}\n`);
  process.exit(1);
}

async function engineId(database: Pick<Engine['database'], 'read' | 'write'>): Promise<string> {
  const [row] = await database.read<{ value: string }>("SELECT value FROM kv WHERE key = 'engine-id'");
  if (row) return row.value;
  const id = randomUUID();
  await database.write([{ sql: "INSERT INTO kv (key, value) VALUES ('engine-id', ?)", params: [id] }]);
  return id;
}

async function findInit(configured: string | undefined): Promise<string> {
  const found =
    configured ??
    (await findProgram('tini-static')) ??
    (await findProgram('docker-init')) ??
    (await findProgram('catatonit'));
  if (found === undefined)
    throw unavailable('no init program was found', { hint: 'Install tini, or name one with --init-path.' });
  return found;
}

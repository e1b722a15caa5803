/** The engine's entry: configuration, composition, server, signals. Started by the launcher (bin/wherryd). */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, createApiServer } from '#api/server/server.ts';
import { closeEngine, composeEngine } from '#daemon/compose.ts';
import { configHelp, loadConfig, requestedAction } from '#daemon/config/config.ts';
import { reloadConfig } from '#daemon/config/reload.ts';
import { keepOptions, keptConfig } from '#daemon/config/running-config.ts';
import type { Engine } from '#daemon/engine.ts';
import { PRODUCT } from '#daemon/product.ts';
import { stopForShutdown } from '#daemon/shutdown.ts';
import { describe, isEngineError } from '#errors/errors.ts';
import { Mutex } from '#lib/locks.ts';
import { hostIsStopping } from '#linux/host-stopping.ts';
import { launcherFromEnvironment } from '#linux/launcher.ts';
import { engineBackend } from './engine-backend.ts';
import { listenEverywhere } from './listen.ts';

/** The exit code of an engine that another one is to replace; the launcher does that for any but 0. */
const RESTART = 3;
/** How long replies that are on their way get then. */
const LAST_WORDS_MS = 200;

try {
  await main(process.argv.slice(2));
} catch (error) {
  const hint = isEngineError(error) && error.hint ? `\n${error.hint}` : '';
  const unexpected = isEngineError(error) ? '' : `\n${(error as Error).stack}`;
  process.stderr.write(`wherryd: ${describe(error)}${hint}${unexpected}\n`);
  process.exit(1);
}

async function main(argv: string[]): Promise<void> {
  const action = requestedAction(argv);
  if (action === 'help') return void process.stdout.write(configHelp());
  if (action === 'version') return void process.stdout.write(`wherry version ${PRODUCT.version}\n`);
  if (action === 'validate') return await validate(argv);
  const { promise: engineReady, resolve: whenReady } = Promise.withResolvers<Engine>();
  reloadOnSignal(engineReady, argv);
  const launcher = await launcherFromEnvironment();
  const config = (await keptConfig(launcher)) ?? (await loadConfig(argv));
  const engine = await composeEngine(config, launcher);
  for (const note of config.notes) engine.log.warn(note);
  const server = createApiServer({
    backend: engineBackend(engine, () => void restart(engine)),
    version: PRODUCT.version,
    experimental: config.experimental,
    log: engine.log,
    readOnly: engine.readOnly,
  });
  await listenEverywhere(config, server, launcher, engine.log);
  writePidFile(config.pidFile);
  await keepOptions(launcher, config.options);
  endOnSignals(engine, server);
  whenReady(engine);
  await launcher.ready();
  engine.log.info('ready', {
    containers: engine.containers.size,
    images: engine.graph.size,
    driver: engine.driver.name,
  });
}

async function validate(argv: readonly string[]): Promise<void> {
  await loadConfig(argv);
  process.stdout.write('configuration OK\n');
}

/** The launcher's: it is the process that stays. */
function writePidFile(path: string): void {
  writeFileSync(path, `${process.ppid}\n`);
}

function endOnSignals(engine: Engine, server: ApiServer): void {
  let ending = false;
  const end = async (signal: NodeJS.Signals) => {
    if (ending) process.exit(1);
    ending = true;
    engine.log.info(`ending on ${signal}`);
    await engine.launcher.stopping();
    await server.close();
    if (!engine.config.liveRestore || (await hostIsStopping(engine.launcher))) await stopForShutdown(engine);
    await closeEngine(engine);
    removePidFile(engine.config.pidFile);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal));
  process.on('SIGUSR1', () => engine.log.info('memory in bytes', { ...process.memoryUsage() }));
}

/** One reload after the other; a signal that comes while the engine starts counts, too. */
function reloadOnSignal(ready: Promise<Engine>, argv: readonly string[]): void {
  const turns = new Mutex();
  process.on('SIGHUP', async () => {
    const engine = await ready;
    void engine.background.run('reloading the configuration', () =>
      turns.run(() => reloadConfig(engine, argv, (options) => keepOptions(engine.launcher, options))),
    );
  });
}

/** Has another engine take over, with all that runs; the launcher holds the sockets meanwhile. */
async function restart(engine: Engine): Promise<never> {
  engine.log.info('ending, so that another engine starts');
  await sleep(LAST_WORDS_MS);
  await closeEngine(engine);
  process.exit(RESTART);
}

function removePidFile(path: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8').trim() === String(process.ppid)) rmSync(path);
}

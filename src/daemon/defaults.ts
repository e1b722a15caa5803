import type { EngineDefaults } from '#runtime/spec/host-defaults.ts';
import type { Engine } from './engine.ts';

/** What a create request leaves open, from the engine's configuration. */
export function engineDefaults({ config, runtimes }: Pick<Engine, 'config' | 'runtimes'>): EngineDefaults {
  return {
    runtime: runtimes.default,
    shmSize: config.defaultShmSize,
    ipcMode: config.defaultIpcMode,
    cgroupnsMode: config.defaultCgroupnsMode,
    logDriver: config.logDriver,
    logOpts: config.logOpts,
    ulimits: config.defaultUlimits,
    init: config.init,
  };
}

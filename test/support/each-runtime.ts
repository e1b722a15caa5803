/** The same tests with crun and with runc, as each translates a configuration in its own way. */
import { join } from 'node:path';
import { describe } from 'node:test';
import type { DaemonOptions } from './daemon.ts';
import { type OneDaemon, oneDaemon } from './one-daemon.ts';

const RUNTIMES = { crun: join(import.meta.dirname, 'crun-alone'), runc: '/usr/sbin/runc' };

/** Defines the tests twice, each time with a daemon of their own. */
export function withEachRuntime(
  define: (engine: OneDaemon, runtime: string) => void,
  options: DaemonOptions = {},
): void {
  for (const [runtime, path] of Object.entries(RUNTIMES)) {
    const flags = ['--add-runtime', `tested=${path}`, '--default-runtime', 'tested', ...(options.flags ?? [])];
    describe(`with ${runtime}`, () => define(oneDaemon({ ...options, flags }), runtime));
  }
}

/** The same tests with docker's own CLI and with ours. */
import { afterEach, describe } from 'node:test';
import type { DaemonOptions } from './daemon.ts';
import { type OneDaemon, oneDaemon } from './one-daemon.ts';

/** Defines the tests twice, each time with a daemon of their own. No test finds containers of another. */
export function withEachClient(
  define: (cli: OneDaemon, client: 'docker' | 'wherry') => void,
  options?: DaemonOptions,
): void {
  for (const client of ['docker', 'wherry'] as const) {
    describe(`with ${client}`, () => {
      const cli = oneDaemon(options, client);
      afterEach(() => cli.daemon.removeContainers());
      define(cli, client);
    });
  }
}

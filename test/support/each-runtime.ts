/** The same tests with crun and with runc, as each translates a configuration in its own way. */
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { type DaemonOptions, startDaemon, type TestDaemon } from './daemon.ts';
import { words } from './words.ts';

export interface WithRuntime {
  name: string;
  /** Not before the first test. */
  readonly daemon: TestDaemon;
  /** `docker run --rm OPTIONS busybox sh -c SCRIPT`: what it prints; fails unless its code is 0. */
  sh(options: string[], script: string): Promise<string>;
  /** Runs docker's client, which must fail; gives stderr. */
  fails(args: string[]): Promise<string>;
}

const RUNTIMES = { crun: join(import.meta.dirname, 'crun-alone'), runc: '/usr/sbin/runc' };

/** Defines the tests twice, each time with a daemon of their own. */
export function withEachRuntime(define: (engine: WithRuntime) => void, options: DaemonOptions = {}): void {
  for (const [name, path] of Object.entries(RUNTIMES)) {
    const flags = ['--add-runtime', `tested=${path}`, '--default-runtime', 'tested', ...(options.flags ?? [])];
    describe(`with ${name}`, () => {
      let daemon: TestDaemon;
      before(async () => {
        daemon = await startDaemon({ ...options, flags });
      });
      after(() => daemon.close());
      define({
        name,
        get daemon() {
          return daemon;
        },
        sh: (given, script) => daemon.ok(words`run --rm ${given} busybox sh -c ${script}`),
        async fails(args) {
          const { code, stdout, stderr } = await daemon.docker(args);
          if (code === 0) throw new Error(`docker ${args.join(' ')} did not fail: ${stdout}`);
          return stderr;
        },
      });
    });
  }
}

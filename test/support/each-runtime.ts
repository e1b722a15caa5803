/** The same tests with crun and with runc, as each translates a configuration in its own way. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { detectCgroups } from '#linux/cgroup.ts';
import { type DaemonOptions, startDaemon, type TestDaemon } from './daemon.ts';
import { words } from './words.ts';

export interface WithRuntime {
  /** Not before the first test. */
  readonly daemon: TestDaemon;
  /** `docker run --rm OPTIONS busybox sh -c SCRIPT`: what it prints; fails unless its code is 0. */
  sh(options: string[], script: string): Promise<string>;
  /** Runs docker's client, which must fail; gives stderr. */
  fails(args: string[]): Promise<string>;
}

const { version, unified } = await detectCgroups();
const onUnified = unified ? await readFile(join(unified, 'cgroup.controllers'), 'utf8') : '';
/** What the daemon's own probe finds out by trying. */
const refusal =
  version === 1 && onUnified.trim() !== '' ? 'crun refuses a machine with controllers on v1 and v2' : false;

/** Defines the tests twice, each time with a daemon of their own. */
export function withEachRuntime(define: (engine: WithRuntime) => void, options: DaemonOptions = {}): void {
  for (const name of ['crun', 'runc'] as const) {
    describe(`with ${name}`, { skip: name === 'crun' && refusal }, () => {
      let daemon: TestDaemon;
      before(async () => {
        daemon = await startDaemon({ ...options, flags: ['--default-runtime', name, ...(options.flags ?? [])] });
      });
      after(() => daemon.close());
      define({
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

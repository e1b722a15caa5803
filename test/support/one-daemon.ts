/** A daemon for all tests of a file or a `describe`, and a client that talks to it. */
import { after, before } from 'node:test';
import { type DaemonOptions, type Output, startDaemon, type TestDaemon } from './daemon.ts';
import { words } from './words.ts';

type Line = Parameters<typeof words>;

export interface OneDaemon {
  /** Not before the first test. */
  readonly daemon: TestDaemon;
  /** Runs a command line to its end. */
  run(args: string[], options?: { input?: string | Buffer; env?: Record<string, string> }): Promise<Output>;
  /** Runs a command that must succeed; gives stdout without its last newline. */
  ok(...line: Line): Promise<string>;
  /** Runs a command that must fail; gives stderr. */
  fails(...line: Line): Promise<string>;
  /** `run --rm OPTIONS busybox sh -c SCRIPT`: what it prints. */
  sh(options: string[], script: string): Promise<string>;
}

/** Starts it before the tests, and closes it after them. */
export function oneDaemon(options?: DaemonOptions, client: 'docker' | 'wherry' = 'docker'): OneDaemon {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await startDaemon(options);
  });
  after(() => daemon.close());
  const run: OneDaemon['run'] = (args, more) => daemon[client](args, more);
  const ok: OneDaemon['ok'] = async (...line) => {
    const args = words(...line);
    const { code, stdout, stderr } = await run(args);
    if (code !== 0) throw new Error(`${client} ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`);
    return stdout.replace(/\n$/, '');
  };
  return {
    get daemon() {
      return daemon;
    },
    run,
    ok,
    async fails(...line) {
      const args = words(...line);
      const { code, stdout, stderr } = await run(args);
      if (code === 0) throw new Error(`${client} ${args.join(' ')} did not fail: ${stdout}`);
      return stderr;
    },
    sh: (given, script) => ok`run --rm ${given} busybox sh -c ${script}`,
  };
}

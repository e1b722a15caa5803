/** The same tests with docker's own CLI and with ours. */
import { after, afterEach, before, describe } from 'node:test';
import { type DaemonOptions, type Output, startDaemon, type TestDaemon } from './daemon.ts';
import { words } from './words.ts';

type Values = Parameters<typeof words> extends [unknown, ...infer Rest] ? Rest : never;

export interface Cli {
  name: 'docker' | 'wherry';
  /** The daemon that it talks to; not before the first test. */
  readonly daemon: TestDaemon;
  /** Runs a command line to its end. */
  run(args: string[], options?: { input?: string | Buffer; env?: Record<string, string> }): Promise<Output>;
  /** Runs a command that must succeed; gives stdout without its last newline. */
  ok(texts: TemplateStringsArray, ...values: Values): Promise<string>;
  /** Runs a command that must fail; gives stderr. */
  fails(texts: TemplateStringsArray, ...values: Values): Promise<string>;
}

/** Defines the tests twice, each time with a daemon of their own. No test finds containers of another. */
export function withEachClient(define: (cli: Cli) => void, options?: DaemonOptions): void {
  for (const name of ['docker', 'wherry'] as const) {
    describe(`with ${name}`, () => {
      let daemon: TestDaemon;
      before(async () => {
        daemon = await startDaemon(options);
      });
      after(() => daemon.close());
      afterEach(() => daemon.removeContainers());
      const run: Cli['run'] = (args, more) => daemon[name](args, more);
      define({
        name,
        get daemon() {
          return daemon;
        },
        run,
        async ok(...line) {
          const args = words(...line);
          const { code, stdout, stderr } = await run(args);
          if (code !== 0) throw new Error(`${name} ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`);
          return stdout.replace(/\n$/, '');
        },
        async fails(...line) {
          const args = words(...line);
          const { code, stdout, stderr } = await run(args);
          if (code === 0) throw new Error(`${name} ${args.join(' ')} did not fail: ${stdout}`);
          return stderr;
        },
      });
    });
  }
}

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { crunRoom, monitorRoom, type TestMonitorOptions } from '#test/support/monitor.ts';
import { mapRuntimeError, runtimeText } from './errors.ts';
import { RuntimeStartError } from './monitor.ts';

/** Command, working directory -> what dockerd 26.1.5 with runc says after "unable to start container process: ". */
const expected: [program: string, cwd: string, message: string, exitCode: number][] = [
  ['missing', '/', 'exec: "missing": executable file not found in $PATH: unknown', 127],
  ['', '/', 'exec: "": executable file not found in $PATH: unknown', 127],
  ['/missing/path', '/', 'exec: "/missing/path": stat /missing/path: no such file or directory: unknown', 127],
  ['./rel', '/', 'exec: "./rel": stat ./rel: no such file or directory: unknown', 127],
  ['/dir', '/', 'exec: "/dir": is a directory: unknown: permission denied', 126],
  ['dir/', '/', 'exec: "dir/": is a directory: unknown: permission denied', 126],
  ['/bin/not-executable', '/', 'exec: "/bin/not-executable": permission denied: unknown', 126],
  ['not-executable', '/', 'exec: "not-executable": executable file not found in $PATH: unknown', 127],
];
const mountHint =
  'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';
const notADirectory = `exec: "/file/x": stat /file/x: not a directory: unknown: ${mountHint}`;

for (const [name, openRoom] of [['runc', monitorRoom] as const, ['crun', crunRoom] as const]) {
  test(`failed starts with ${name} read as Docker's`, async (t) => {
    const room = openRoom();
    after(() => room.close());
    const running = await room.monitor({ container: { args: ['sleep', '1000'] } });
    await running.control.start();

    async function failure(options: TestMonitorOptions): Promise<string> {
      const { control } = await room.monitor(options);
      const error = await control.start().then(
        () => assert.fail('it started'),
        (error) => error,
      );
      assert.ok(error instanceof RuntimeStartError, String(error));
      await assert.rejects(control.exited, error);
      assert.deepEqual(await control.gone, { cleaned: true });
      return error.message;
    }

    for (const [program, cwd, message, exitCode] of [...expected, ['/file/x', '/', notADirectory, 127] as const]) {
      await t.test(JSON.stringify(program), async () => {
        const process = { args: [program], cwd };
        const create = mapRuntimeError(await failure({ container: process }), program);
        assert.deepEqual(create, {
          message: `OCI runtime create failed: runc create failed: unable to start container process: ${message}`,
          exitCode,
          kind: 'invalid',
        });
        const exec = mapRuntimeError(await failure({ exec: { id: running.id, process } }), program, 'exec');
        assert.deepEqual(exec, {
          message: `OCI runtime exec failed: exec failed: unable to start container process: ${message}`,
          exitCode: 126,
          kind: 'invalid',
        });
      });
    }

    await t.test('with a terminal', async () => {
      const text = await failure({ exec: { id: running.id, process: { args: ['missing'], terminal: true } } });
      assert.match(mapRuntimeError(text, 'missing', 'exec').message, /exec: "missing": executable file not found/);
    });

    await t.test('a working directory that is a file', async () => {
      const process = { args: ['true'], cwd: '/file' };
      const text = await failure({ exec: { id: running.id, process } });
      assert.equal(
        mapRuntimeError(text, 'true', 'exec').message,
        `OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd ("/file") set in config.json failed: not a directory: unknown: ${mountHint}`,
      );
    });
  });
}

test('a runtime that is not there is no missing command', async () => {
  const room = monitorRoom('/missing/runtime');
  after(() => room.close());
  const { control } = await room.monitor({});
  const error = await control.start().catch((error) => error);
  assert.equal(error.message, 'cannot use /missing/runtime: No such file or directory');
  assert.deepEqual(mapRuntimeError(error.message, 'true'), {
    message:
      'OCI runtime create failed: runc create failed: unable to start container process: cannot use /missing/runtime: no such file or directory: unknown',
    exitCode: 128,
    kind: 'system',
  });
});

test('the text of a report: stderr first, then the log, then the status', () => {
  const log = 'time="2026-01-01T00:00:00Z" level=error msg="exec failed: \\"x\\": gone"\n';
  assert.equal(runtimeText({ status: 256, log, stderr: 'a warning\nexec failed: y\n' }), 'exec failed: y');
  assert.equal(runtimeText({ status: 256, log, stderr: ' \n' }), 'exec failed: "x": gone');
  assert.match(runtimeText({ status: 9, log: '', stderr: '' }), /wait status 9/);
});

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { monitorRoom, readAll, readLog } from '#test/support/monitor.ts';
import { readExitRecord } from './exit-record.ts';

const room = monitorRoom();
after(() => room.close());

test('a container runs: attached output, log, exit record', async () => {
  const { control, log, exitFile } = await room.monitor({
    container: { args: ['sh', '-c', 'echo one; echo two >&2; exit 3'] },
  });
  assert.equal((await control.state()).phase, 'waiting');
  const stream = await control.attach({ stdout: true, stderr: true, framing: 'docker' });
  const started = await control.start();
  assert.ok(started.pid > 1);
  const output = await readAll(stream);
  assert.ok(output.includes('\x01\0\0\0\0\0\0\x04one\n'), JSON.stringify(output));
  assert.ok(output.includes('\x02\0\0\0\0\0\0\x04two\n'));
  const exit = await control.exited;
  assert.equal(exit.code, 3);
  assert.deepEqual(await control.gone, { cleaned: true });
  const record = await readExitRecord(exitFile);
  assert.equal(record?.code, 3);
  assert.equal(record?.startedAt, started.startedAt);
  assert.ok(record!.finishedAt >= record!.startedAt);
  assert.deepEqual(
    readLog(log)
      .map(({ log, stream }) => `${stream}:${log}`)
      .sort(),
    ['stderr:two\n', 'stdout:one\n'],
  );
});

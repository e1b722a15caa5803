import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { probeErofs } from './probe.ts';

describe('the probe of the erofs driver', () => {
  let server: TestLauncher;
  let base: string;
  before(async () => {
    server = await startLauncher();
    base = await mkdtemp(join(tmpdir(), 'wherry-probe-'));
  });
  after(async () => {
    await server.close();
    await rm(base, { recursive: true });
  });

  async function leavesNothing(root: string): Promise<void> {
    assert.deepEqual(await readdir(join(root, '_tmp')), []);
    assert.deepEqual((await readMountInfo()).filter((mount) => mount.mountPoint.startsWith(`${root}/`)), []); // biome-ignore format: one line
  }

  test('passes on a disk file system and leaves nothing', async () => {
    const root = join(base, 'graph');
    await probeErofs({ root, launcher: server.launcher });
    await leavesNothing(root);
  });

  test('says which step failed where it cannot work (tmpfs), and leaves nothing', async () => {
    const root = join(base, 'tmpfs');
    await mkdir(root);
    await server.launcher.mount({ fstype: 'tmpfs', options: [], target: root });
    try {
      const probing = probeErofs({ root, launcher: server.launcher });
      await assert.rejects(probing, (error) => {
        assert.ok(isEngineError(error, 'system'));
        assert.equal(error.code, 'EROFS_UNUSABLE');
        assert.match(error.message, /mounting erofs over files failed: .*Block device required/);
        assert.match(error.hint ?? '', /Linux 6\.12/);
        return true;
      });
      await leavesNothing(root);
    } finally {
      await server.launcher.unmount(root);
    }
  });
});

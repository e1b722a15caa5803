/** What `docker run`'s flags for devices do, seen from inside the container and in the files of its cgroup. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { withEachRuntime } from '#test/support/each-runtime.ts';
import { words } from '#test/support/words.ts';

const cdi = await mkdtemp(join(tmpdir(), 'wherry-cdi-'));
after(() => rm(cdi, { recursive: true }));

const vendor = (edits: object) => ({
  cdiVersion: '0.6.0',
  kind: 'vendor.com/card',
  devices: [{ name: 'first', containerEdits: edits }],
});

withEachRuntime(
  (engine) => {
    const { sh, fails } = engine;

    test('--device: under another name, with rights; a folder of devices; not without it', async () => {
      const write = 'echo x > /dev/log || echo refused; test -c /dev/log && echo there';
      assert.equal(await sh(words`--device /dev/kmsg:/dev/log:r`, write), 'refused\nthere');
      assert.equal(await sh(words`--device /dev/full:/dev/log:w`, 'echo x > /dev/log; echo $?'), '1');
      assert.match(await sh(words`--device /dev/net:/dev/some`, 'ls /dev/some'), /^tun$/);
      assert.equal(await sh([], 'ls /dev/kmsg /dev/net || echo none'), 'none');
      assert.match(
        await fails`run --rm --device /dev/nothing busybox true`,
        /error gathering device information .*"\/dev\/nothing"/,
      );
    });

    test('--device-cgroup-rule: a node that the container makes can be opened', async () => {
      const read = 'mknod /n c 10 237 && (exec 3< /n) && echo opened || echo refused';
      assert.equal(await sh([], read), 'refused');
      assert.equal(await sh(words`--device-cgroup-rule ${'c 10:237 rm'}`, read), 'opened');
      assert.equal(await sh(words`--device-cgroup-rule ${'c 10:* rwm'}`, read), 'opened');
    });

    test('--device of a CDI name: nodes, mounts, environment, groups and hooks of its file', async () => {
      const library = join(cdi, 'library.so');
      const hooked = join(cdi, 'hooked');
      await writeFile(library, 'the library\n');
      const script = `cat > ${hooked}`;
      const edits = {
        env: ['CARD=first', 'HOME=/card'],
        deviceNodes: [
          { path: '/dev/card0', hostPath: '/dev/kmsg', permissions: 'r' },
          { path: '/dev/card1', type: 'c', major: 1, minor: 7, fileMode: 0o600, uid: 12, gid: 34 },
        ],
        mounts: [{ hostPath: library, containerPath: '/lib/library.so', options: ['ro', 'nosuid'] }],
        additionalGids: [4242],
        hooks: [{ hookName: 'createRuntime', path: '/bin/sh', args: ['sh', '-c', script] }],
      };
      await writeFile(join(cdi, 'vendor.json'), JSON.stringify(vendor(edits)));
      const device = words`--device vendor.com/card=first`;
      assert.equal(
        await sh(
          [...device, '-e', 'CARD=mine'],
          'echo $CARD $HOME; cat /lib/library.so; touch /lib/library.so || echo ro; id -G',
        ),
        'first /card\nthe library\nro\n0 4242',
      );
      assert.equal(
        await sh(
          device,
          'stat -c "%F %a %u:%g" /dev/card1; echo x > /dev/card0 || echo refused; test -c /dev/card0 && echo c',
        ),
        'character special file 600 12:34\nrefused\nc',
      );
      assert.ok((await stat(hooked)).size > 0, 'the hook got the state');
      const info = JSON.parse((await ask(engine.daemon.socket, 'GET', '/v1.51/info')).text);
      assert.deepEqual(info.CDISpecDirs, [cdi]);
      assert.deepEqual(info.DiscoveredDevices, [{ Source: 'cdi', ID: 'vendor.com/card=first' }]);
      assert.match(
        await fails`run --rm --device vendor.com/card=second busybox true`,
        /CDI device injection failed: unresolvable CDI devices vendor\.com\/card=second.*Known devices: vendor\.com\/card=first/,
      );
    });

    test('--gpus: refused without cards, given what the CDI file of their maker says', async () => {
      const path = join(cdi, 'nvidia.yaml');
      assert.match(
        await fails`run --rm --gpus all busybox true`,
        /could not select device driver "" with capabilities: \[\[gpu\]\]/,
      );
      const device = (name: string) => `- name: "${name}"\n  containerEdits: {env: ["CARD_${name}=yes"]}\n`;
      const devices = ['0', '1', 'all'].map(device).join('');
      await writeFile(path, `cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n${devices}`);
      assert.equal(await sh(words`--gpus all`, 'env | grep CARD_'), 'CARD_all=yes');
      assert.equal(await sh(words`--gpus 2`, 'env | grep CARD_ | sort'), 'CARD_0=yes\nCARD_1=yes');
      assert.equal(await sh(words`--gpus device=1`, 'env | grep CARD_'), 'CARD_1=yes');
      await rm(path);
    });
  },
  { flags: ['--cdi-spec-dir', cdi] },
);

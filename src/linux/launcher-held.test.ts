import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';

describe('ports that the launcher holds', () => {
  const netns = `wherry-held-${process.pid}`;
  let server: TestLauncher;
  before(async () => {
    execFileSync('ip', ['netns', 'add', netns]);
    execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'ip', 'link', 'set', 'lo', 'up']);
    server = await startLauncher({ netns });
  });
  after(async () => {
    await server.close();
    execFileSync('ip', ['netns', 'del', netns]);
  });

  test('nobody else gets a held port until it is released', async () => {
    const { launcher } = server;
    const web = { protocol: 'tcp', address: '0.0.0.0', port: 8080 } as const;
    await launcher.holdPort({ key: 'web', ...web });
    await assert.rejects(launcher.holdPort({ key: 'other', ...web }), { code: 'EADDRINUSE', kind: 'system' });
    await assert.rejects(launcher.holdPort({ key: 'other', ...web, address: '127.0.0.1' }), { code: 'EADDRINUSE' });
    await assert.rejects(launcher.holdPort({ key: 'web', ...web, port: 1 }), { code: 'EEXIST' });
    await launcher.holdPort({ key: 'udp', ...web, protocol: 'udp' });
    await launcher.holdPort({ key: 'v6', ...web, address: '::' });
    assert.deepEqual((await launcher.heldPorts()).sort(), ['udp', 'v6', 'web']);
    await launcher.release('web');
    await launcher.release('web');
    await launcher.holdPort({ key: 'again', ...web });
    for (const key of await launcher.heldPorts()) await launcher.release(key);
    assert.deepEqual(await launcher.heldPorts(), []);
  });

  test('a port is held for either family', async () => {
    for (const address of ['127.0.0.1', '::1']) {
      await server.launcher.holdPort({ key: address, protocol: 'tcp', address, port: 8082 });
      const again = { key: 'taken', protocol: 'tcp', address, port: 8082 } as const;
      await assert.rejects(server.launcher.holdPort(again), { code: 'EADDRINUSE' });
      await server.launcher.release(address);
    }
  });

  test('a client of a held port is refused at once', async () => {
    await server.launcher.holdPort({ key: 'p', protocol: 'tcp', address: '127.0.0.1', port: 8081 });
    const argv = ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/8081'];
    const { code, stderr } = await server.launcher.run({ argv });
    assert.equal(code, 1);
    assert.match(stderr.toString(), /Connection refused/);
    await server.launcher.release('p');
  });

  test('held ports never use up the descriptors that the launcher works with', async () => {
    const { launcher, pid } = server;
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=100:100']);
    const hold = (n: number) =>
      launcher.holdPort({ key: `range-${n}`, protocol: 'tcp', address: '127.0.0.1', port: 9000 + n });
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => hold(n)));
    const refused = results.filter((result) => result.status === 'rejected');
    assert.ok(refused.length > 0 && refused.every(({ reason }) => reason.code === 'EMFILE'));
    assert.equal((await launcher.run({ argv: ['true'] })).code, 0);
    for (const key of await launcher.heldPorts()) await launcher.release(key);
  });

  test('an address that is none, or not ours, is an error', async () => {
    const hold = (address: string) => server.launcher.holdPort({ key: 'x', protocol: 'tcp', address, port: 80 });
    await assert.rejects(hold('localhost'), { code: 'EINVAL' });
    await assert.rejects(hold('192.0.2.1'), { code: 'EADDRNOTAVAIL' });
    for (const port of [-1, 0, 65536]) {
      const wrong = { key: 'x', protocol: 'tcp', address: '127.0.0.1', port } as const;
      await assert.rejects(server.launcher.holdPort(wrong), { code: 'EINVAL' });
    }
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inOwnNamespace, runIn } from '#test/support/netns.ts';
import { attachRequest, fetchFrom, idOf, openTestNetworks, publish80, serveHttp } from '#test/support/networks.ts';

const run = promisify(execFile);

if (inOwnNamespace(import.meta.filename)) {
  describe('settings of the default bridge', () => {
    test('containers that may not talk to each other reach linked ports, and published ones by the host', async (t) => {
      const engine = await openTestNetworks({ poolSize: 1, icc: false });
      t.after(() => engine.close());
      await engine.networks.reconcile([]);
      const [web, other] = [
        await engine.networks.attach(attachRequest('web', publish80('8080'))),
        await engine.networks.attach(attachRequest('other')),
      ];
      const server = await serveHttp(web.netnsPath!, 80, 'web');
      await run('sysctl', ['-qw', '-e', 'net.bridge.bridge-nf-call-iptables=0']);
      const [from, to] = [other, web].map(({ networks }) => networks.bridge!.IPAddress) as [string, string];
      assert.equal(await fetchFrom(other.netnsPath!, `http://${to}/`), 'refused');
      await engine.networks.setLinks([{ from, to, protocol: 'tcp', port: 80 }]);
      assert.equal(await fetchFrom(other.netnsPath!, `http://${to}/`), 'web');
      await engine.networks.setLinks([]);
      assert.equal(await fetchFrom(other.netnsPath!, `http://${to}/`), 'refused');
      assert.equal(await fetchFrom(other.netnsPath!, `http://${web.networks.bridge!.Gateway}:8080/`), 'web');
      await server.stop();
      for (const name of ['web', 'other']) await engine.networks.release(idOf(name));
    });

    test('name, address, range and MTU', async (t) => {
      const settings = { bridge: 'br-test', bip: '10.77.5.1/24', fixedCidr: '10.77.5.128/25', mtu: 1400, poolSize: 1 };
      const engine = await openTestNetworks(settings);
      t.after(() => engine.close());
      await engine.networks.reconcile([]);
      const { netnsPath, networks } = await engine.networks.attach(attachRequest('a'));
      assert.match(networks.bridge!.IPAddress, /^10\.77\.5\.1(2[89]|3\d)$/);
      assert.equal(networks.bridge!.Gateway, '10.77.5.1');
      assert.match(await runIn(netnsPath!, ['ip', 'link', 'show', 'eth0']), /mtu 1400/);
      assert.match((await run('ip', ['address', 'show', 'br-test'])).stdout, /mtu 1400.*10\.77\.5\.1\/24 /s);
      await engine.networks.release(idOf('a'));
    });

    test('a name that belongs to another kind of link is refused', async (t) => {
      await run('ip', ['link', 'add', 'taken', 'type', 'veth', 'peer', 'name', 'taken-peer']);
      t.after(() => run('ip', ['link', 'delete', 'taken']));
      await assert.rejects(openTestNetworks({ bridge: 'taken' }), /the link taken exists and is no bridge/);
    });
  });
}

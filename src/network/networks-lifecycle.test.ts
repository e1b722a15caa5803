import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isEngineError } from '#errors/errors.ts';
import { inOwnNamespace, runIn } from '#test/support/netns.ts';
import { fetchFrom, openTestNetworks, serveHttp, type TestNetworks } from '#test/support/networks.ts';
import type { AttachRequest } from './attach-request.ts';
import type { Sandbox } from './sandbox.ts';

const run = promisify(execFile);
const HOST = '/proc/self/ns/net';

const idOf = (name: string) => name.padEnd(64, '0');
const request = (name: string, more: Partial<AttachRequest> = {}): AttachRequest => ({
  containerId: idOf(name),
  name,
  mode: 'bridge',
  ...more,
});
const on = (HostPort: string, HostIp = '') => ({ portBindings: { '80/tcp': [{ HostIp, HostPort }] } });

/** What the daemon does with a sandbox between two engines. */
function fromRecord(name: string, sandbox: Sandbox) {
  return { containerId: idOf(name), name, sandbox: JSON.parse(JSON.stringify(sandbox)) as Sandbox };
}

if (inOwnNamespace(import.meta.filename)) {
  describe('networks of an engine', () => {
    let engine: TestNetworks;
    beforeEach(async () => {
      engine = await openTestNetworks({ poolSize: 2 });
    });
    afterEach(() => engine.close());

    const namespaces = () => readdir(join(engine.execRoot, 'netns'));
    const rejects = (promise: Promise<unknown>, kind: string, message: RegExp) =>
      assert.rejects(promise, (error) => isEngineError(error) && error.kind === kind && message.test(error.message));

    for (const launcher of [false, true]) {
      const what = launcher ? 'engine and launcher are' : 'the engine is';
      test(`running containers keep namespace, address, rules and ports when ${what} restarted`, async () => {
        await engine.networks.reconcile([]);
        const web = await engine.networks.attach(request('web', on('8080', '0.0.0.0')));
        const server = await serveHttp(web.netnsPath!, 80, 'web');
        await engine.restart({ launcher });
        await engine.networks.reconcile([fromRecord('web', web)]);
        assert.ok(!engine.log.some((line) => line.includes('cannot')), engine.log.join());
        assert.equal(await fetchFrom(HOST, 'http://127.0.0.1:8080/'), 'web');
        await rejects(
          engine.networks.attach(request('other', on('8080'))),
          'system',
          /Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/,
        );
        const others = await Promise.all(['a', 'b', 'c', 'd'].map((name) => engine.networks.attach(request(name))));
        assert.ok(others.every(({ networks }) => networks.bridge!.IPAddress !== web.networks.bridge!.IPAddress));
        assert.equal(engine.networks.inspect('bridge').Containers[idOf('web')]!.Name, 'web');
        for (const name of ['web', 'a', 'b', 'c', 'd']) await engine.networks.release(idOf(name));
        await server.stop();
      });
    }

    test('what a dead engine left behind is swept: namespaces, links, held ports, rules', async () => {
      await engine.networks.reconcile([]);
      const gone = await engine.networks.attach(request('gone', on('8080', '0.0.0.0')));
      await engine.restart();
      await engine.networks.reconcile([]);
      assert.ok(!(await namespaces()).some((name) => gone.netnsPath!.endsWith(name)));
      assert.deepEqual(await engine.launcher.heldPorts(), []);
      assert.doesNotMatch((await run('nft', ['list', 'table', 'inet', 'wherry'])).stdout, /8080/);
      await engine.networks.attach(request('heir', on('8080')));
      await engine.networks.release(idOf('heir'));
    });

    test('a container without published ports leaves nothing behind', async () => {
      await engine.networks.reconcile([]);
      const { netnsPath } = await engine.networks.attach(request('short'));
      await engine.networks.release(idOf('short'));
      await engine.networks.release(idOf('short'));
      assert.ok(!(await namespaces()).some((name) => netnsPath!.endsWith(name)));
      assert.deepEqual(engine.networks.inspect('bridge').Containers, {});
    });

    test('when one of several ports is taken, none is held and the sandbox is thrown away', async () => {
      await engine.networks.reconcile([]);
      await engine.networks.attach(request('first', on('8080')));
      const held = (await engine.launcher.heldPorts()).sort();
      const portBindings = {
        '1/udp': [{ HostIp: '', HostPort: '7000' }],
        '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
      };
      await rejects(
        engine.networks.attach(request('second', { portBindings })),
        'system',
        /^driver failed programming external connectivity on endpoint second \([0-9a-f]{64}\): Bind for 127\.0\.0\.1:8080 failed: port is already allocated$/,
      );
      assert.deepEqual((await engine.launcher.heldPorts()).sort(), held);
      assert.deepEqual(Object.keys(engine.networks.inspect('bridge').Containers), [idOf('first')]);
      await engine.networks.release(idOf('first'));
      await engine.networks.attach(request('second', { portBindings }));
      await engine.networks.release(idOf('second'));
    });

    test('ports: a range gives its first free one, no port at all an ephemeral one, publish-all every exposed one', async () => {
      await engine.networks.reconcile([]);
      const hostPort = ({ ports }: Sandbox) =>
        ports['80/tcp']?.map((binding) => `${binding.HostIp} ${binding.HostPort}`);
      const attach = (name: string, more: Partial<AttachRequest>) => engine.networks.attach(request(name, more));
      assert.deepEqual(hostPort(await attach('a', on('9000-9001', '127.0.0.1'))), ['127.0.0.1 9000']);
      assert.deepEqual(hostPort(await attach('b', on('9000-9001', '127.0.0.1'))), ['127.0.0.1 9001']);
      await rejects(attach('c', on('9000-9001', '127.0.0.1')), 'system', /127\.0\.0\.1:9000-9001 failed/);
      assert.deepEqual(hostPort(await attach('d', on(''))), ['0.0.0.0 32768', ':: 32768']);
      const all = await attach('e', { exposedPorts: ['80/tcp', '53/udp'], publishAll: true });
      assert.deepEqual(all.ports, {
        '80/tcp': [
          { HostIp: '0.0.0.0', HostPort: '32769' },
          { HostIp: '::', HostPort: '32769' },
        ],
        '53/udp': [{ HostIp: '0.0.0.0', HostPort: '32770' }],
      });
      assert.deepEqual((await attach('f', { exposedPorts: ['80/tcp'] })).ports, { '80/tcp': null });
      await rejects(
        attach('g', on('80', '192.0.2.1')),
        'system',
        /Bind for 192\.0\.2\.1:80 failed: cannot assign requested address/,
      );
      for (const name of ['a', 'b', 'd', 'e', 'f']) await engine.networks.release(idOf(name));
    });

    test('none, host and container:ID', async () => {
      await engine.networks.reconcile([]);
      const none = await engine.networks.attach(request('none', { mode: 'none' }));
      assert.deepEqual((await runIn(none.netnsPath!, ['ls', '/proc/self/net/dev_snmp6'])).trim(), 'lo');
      assert.equal(none.networks.none!.NetworkID, engine.networks.resolve('none').id);
      const host = await engine.networks.attach(request('host', { mode: 'host' }));
      assert.equal(host.netnsPath, undefined);
      assert.equal(host.networks.host!.IPAddress, '');
      const web = await engine.networks.attach(request('web'));
      const joined = await engine.networks.attach(request('joined', { mode: `container:${idOf('web')}` }));
      assert.deepEqual(joined, { id: '', netnsPath: web.netnsPath, networks: {}, ports: {} });
      await engine.networks.release(idOf('joined'));
      assert.match(await runIn(web.netnsPath!, ['ip', '-4', 'address']), /172\.17\.0\.\d+\/16/);
      await rejects(
        engine.networks.attach(request('late', { mode: `container:${idOf('absent')}` })),
        'conflict',
        /cannot join network of a non running container: absent0/,
      );
      for (const name of ['none', 'host', 'web']) await engine.networks.release(idOf(name));
    });

    test("a hardware address of one's own", async () => {
      await engine.networks.reconcile([]);
      const { netnsPath, networks } = await engine.networks.attach(request('mac', { macAddress: '02-00-00-00-00-AB' }));
      assert.equal(networks.bridge!.MacAddress, '02:00:00:00:00:ab');
      assert.match(await runIn(netnsPath!, ['ip', 'link', 'show', 'eth0']), /02:00:00:00:00:ab/);
      for (const macAddress of ['x', '02:00:00:00:00', '03:00:00:00:00:ab']) {
        await rejects(engine.networks.attach(request('bad', { macAddress })), 'invalid', /invalid MAC address/);
      }
      await engine.networks.release(idOf('mac'));
    });

    test('unknown networks, and fixed addresses on the default bridge, are refused', async () => {
      await engine.networks.reconcile([]);
      await rejects(engine.networks.attach(request('x', { mode: 'nope' })), 'not-found', /^network nope not found$/);
      await rejects(
        engine.networks.attach(request('x', { endpoints: { nope: {} } })),
        'not-found',
        /^network nope not found$/,
      );
      const endpoints = { bridge: { IPAMConfig: { IPv4Address: '172.17.0.99' } } };
      await rejects(
        engine.networks.attach(request('x', { endpoints })),
        'invalid',
        /supported on user defined networks only/,
      );
    });

    test('networks are found by name, id and start of an id, and keep their ids', async () => {
      await engine.networks.reconcile([]);
      const { id } = engine.networks.resolve('bridge');
      for (const name of [id, id.slice(0, 12), 'default']) assert.equal(engine.networks.resolve(name).id, id);
      assert.deepEqual(
        engine.networks
          .list()
          .map(({ Name }) => Name)
          .sort(),
        ['bridge', 'host', 'none'],
      );
      await engine.restart();
      assert.equal(engine.networks.resolve('bridge').id, id);
      await engine.networks.reconcile([]);
      const { IPAM, Options } = engine.networks.inspect('bridge');
      assert.deepEqual(IPAM.Config, [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }]);
      assert.equal(Options['com.docker.network.bridge.name'], 'wherry0');
    });

    test('many containers at once get sandboxes of their own', async () => {
      await engine.networks.reconcile([]);
      const names = Array.from({ length: 12 }, (_, index) => `n${index}-`);
      const got = await Promise.all(names.map((name) => engine.networks.attach(request(name, on('')))));
      for (const key of [
        (s: Sandbox) => s.netnsPath,
        (s: Sandbox) => s.networks.bridge!.IPAddress,
        (s: Sandbox) => s.ports['80/tcp']![0]!.HostPort,
      ]) {
        assert.equal(new Set(got.map(key)).size, names.length);
      }
      await Promise.all(names.map((name) => engine.networks.release(idOf(name))));
    });

    test('a running container whose address cannot be is reported, and does not keep the engine from starting', async () => {
      await engine.networks.reconcile([]);
      const sandbox = await engine.networks.attach(request('old'));
      sandbox.networks.bridge!.IPAddress = '10.1.2.3';
      await engine.restart();
      await engine.networks.reconcile([fromRecord('old', sandbox)]);
      assert.match(engine.log.join(), /running container old0+ has lost its network: 10\.1\.2\.3 is not in the subnet/);
      await engine.networks.release(idOf('old'));
    });
  });

  describe('warnings about other firewalls', () => {
    let engine: TestNetworks;
    before(async () => {
      engine = await openTestNetworks({ poolSize: 1 });
      await engine.networks.reconcile([]);
    });
    after(() => engine.close());

    const warnings = () => engine.networks.warnings();
    const FILTER =
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }';
    const REFUSED = /"ip filter FORWARD" has the policy drop and does not accept packets of wherry0/;

    test('none without them', async () => {
      assert.deepEqual(await warnings(), []);
    });

    test('a policy that drops, until a rule lets the bridge pass', async (t) => {
      await run('nft', [FILTER]);
      t.after(() => run('nft', ['delete', 'table', 'ip', 'filter']));
      const found = await warnings();
      assert.equal(found.length, 1);
      assert.match(found[0]!, REFUSED);
      await run('nft', ['add rule ip filter FORWARD oifname "docker0" accept']);
      assert.match((await warnings()).join(), REFUSED);
      await run('nft', ['add rule ip filter FORWARD oifname "wherry0" counter accept']);
      assert.deepEqual(await warnings(), []);
    });

    test('a last rule that rejects', async (t) => {
      await run('nft', [
        'add table inet fw; add chain inet fw pass { type filter hook forward priority 10; policy accept; };' +
          'add rule inet fw pass ct state established accept; add rule inet fw pass counter reject',
      ]);
      t.after(() => run('nft', ['delete', 'table', 'inet', 'fw']));
      assert.match((await warnings()).join(), /"inet fw pass" ends with a rule that drops/);
    });

    test('chains that drop something particular, or elsewhere, are no matter', async (t) => {
      await run('nft', [
        'add table inet fw; add chain inet fw pass { type filter hook forward priority 10; policy accept; };' +
          'add rule inet fw pass tcp dport 25 drop;' +
          'add chain inet fw entry { type filter hook input priority 0; policy drop; }; add rule inet fw entry accept',
      ]);
      t.after(() => run('nft', ['delete', 'table', 'inet', 'fw']));
      assert.deepEqual(await warnings(), []);
    });

    test('the old iptables of the kernel', async (t) => {
      await run('iptables-legacy', ['-P', 'FORWARD', 'DROP']);
      t.after(() => run('iptables-legacy', ['-P', 'FORWARD', 'ACCEPT']));
      assert.match((await warnings()).join(), /"filter FORWARD of iptables-legacy" has the policy drop/);
      await run('iptables-legacy', ['-A', 'FORWARD', '-o', 'wherry0', '-j', 'ACCEPT']);
      assert.deepEqual(await warnings(), []);
    });

    test('forwarding switched off', async (t) => {
      await run('sysctl', ['-qw', 'net.ipv4.ip_forward=0']);
      t.after(() => run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']));
      assert.deepEqual(await warnings(), ['IPv4 forwarding is disabled']);
    });
  });

  describe('settings of the default bridge', () => {
    test('containers that may not talk to each other still reach published ports by the host', async (t) => {
      const engine = await openTestNetworks({ poolSize: 1, icc: false });
      t.after(() => engine.close());
      await engine.networks.reconcile([]);
      const [web, other] = [
        await engine.networks.attach(request('web', on('8080'))),
        await engine.networks.attach(request('other')),
      ];
      const server = await serveHttp(web.netnsPath!, 80, 'web');
      await run('sysctl', ['-qw', '-e', 'net.bridge.bridge-nf-call-iptables=0']);
      assert.notEqual(await fetchFrom(other.netnsPath!, `http://${web.networks.bridge!.IPAddress}/`), 'web');
      assert.equal(await fetchFrom(other.netnsPath!, `http://${web.networks.bridge!.Gateway}:8080/`), 'web');
      await server.stop();
      for (const name of ['web', 'other']) await engine.networks.release(idOf(name));
    });

    test('name, address, range and MTU', async (t) => {
      const settings = { bridge: 'br-test', bip: '10.77.5.1/24', fixedCidr: '10.77.5.128/25', mtu: 1400, poolSize: 1 };
      const engine = await openTestNetworks(settings);
      t.after(() => engine.close());
      await engine.networks.reconcile([]);
      const { netnsPath, networks } = await engine.networks.attach(request('a'));
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

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isEngineError } from '#errors/errors.ts';
import { inOwnNamespace, runIn } from '#test/support/netns.ts';
import {
  attachRequest,
  fetchFrom,
  idOf,
  openTestNetworks,
  publish80,
  serveHttp,
  type TestNetworks,
} from '#test/support/networks.ts';
import type { AttachRequest } from './attach-request.ts';
import type { Sandbox } from './sandbox.ts';

const run = promisify(execFile);
const HOST = '/proc/self/ns/net';

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
        const web = await engine.networks.attach(attachRequest('web', publish80('8080', '0.0.0.0')));
        const server = await serveHttp(web.netnsPath!, 80, 'web');
        await engine.restart({ launcher });
        await engine.networks.reconcile([fromRecord('web', web)]);
        assert.ok(!engine.log.some((line) => line.includes('cannot')), engine.log.join());
        assert.equal(await fetchFrom(HOST, 'http://127.0.0.1:8080/'), 'web');
        await rejects(
          engine.networks.attach(attachRequest('other', publish80('8080'))),
          'system',
          /Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/,
        );
        const others = await Promise.all(
          ['a', 'b', 'c', 'd'].map((name) => engine.networks.attach(attachRequest(name))),
        );
        assert.ok(others.every(({ networks }) => networks.bridge!.IPAddress !== web.networks.bridge!.IPAddress));
        assert.equal(engine.networks.inspect('bridge').Containers[idOf('web')]!.Name, 'web');
        for (const name of ['web', 'a', 'b', 'c', 'd']) await engine.networks.release(idOf(name));
        await server.stop();
      });
    }

    test('what a dead engine left behind is swept: namespaces, links, held ports, rules', async () => {
      await engine.networks.reconcile([]);
      const gone = await engine.networks.attach(attachRequest('gone', publish80('8080', '0.0.0.0')));
      await engine.restart();
      await engine.networks.reconcile([]);
      assert.ok(!(await namespaces()).some((name) => gone.netnsPath!.endsWith(name)));
      assert.deepEqual(await engine.launcher.heldPorts(), []);
      assert.doesNotMatch((await run('nft', ['list', 'table', 'inet', 'wherry'])).stdout, /8080/);
      await engine.networks.attach(attachRequest('heir', publish80('8080')));
      await engine.networks.release(idOf('heir'));
    });

    test('a container without published ports leaves nothing behind', async () => {
      await engine.networks.reconcile([]);
      const { netnsPath } = await engine.networks.attach(attachRequest('short'));
      await engine.networks.release(idOf('short'));
      await engine.networks.release(idOf('short'));
      assert.ok(!(await namespaces()).some((name) => netnsPath!.endsWith(name)));
      assert.deepEqual(engine.networks.inspect('bridge').Containers, {});
    });

    test('when one of several ports is taken, none is held and the sandbox is thrown away', async () => {
      await engine.networks.reconcile([]);
      await engine.networks.attach(attachRequest('first', publish80('8080')));
      const held = (await engine.launcher.heldPorts()).sort();
      const portBindings = {
        '1/udp': [{ HostIp: '', HostPort: '7000' }],
        '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
      };
      await rejects(
        engine.networks.attach(attachRequest('second', { portBindings })),
        'system',
        /^driver failed programming external connectivity on endpoint second \([0-9a-f]{64}\): Bind for 127\.0\.0\.1:8080 failed: port is already allocated$/,
      );
      assert.deepEqual((await engine.launcher.heldPorts()).sort(), held);
      assert.deepEqual(Object.keys(engine.networks.inspect('bridge').Containers), [idOf('first')]);
      await engine.networks.release(idOf('first'));
      await engine.networks.attach(attachRequest('second', { portBindings }));
      await engine.networks.release(idOf('second'));
    });

    test('ports: a range gives its first free one, no port at all an ephemeral one, publish-all every exposed one', async () => {
      await engine.networks.reconcile([]);
      const hostPort = ({ ports }: Sandbox) =>
        ports['80/tcp']?.map((binding) => `${binding.HostIp} ${binding.HostPort}`);
      const attach = (name: string, more: Partial<AttachRequest>) => engine.networks.attach(attachRequest(name, more));
      assert.deepEqual(hostPort(await attach('a', publish80('9000-9001', '127.0.0.1'))), ['127.0.0.1 9000']);
      assert.deepEqual(hostPort(await attach('b', publish80('9000-9001', '127.0.0.1'))), ['127.0.0.1 9001']);
      await rejects(attach('c', publish80('9000-9001', '127.0.0.1')), 'system', /: all ports are allocated$/);
      assert.deepEqual(hostPort(await attach('d', publish80(''))), ['0.0.0.0 32768', ':: 32768']);
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
        attach('g', publish80('80', '192.0.2.1')),
        'system',
        /Bind for 192\.0\.2\.1:80 failed: cannot assign requested address/,
      );
      const udp6 = { portBindings: { '53/udp': [{ HostIp: '::1', HostPort: '53' }] } };
      await rejects(attach('h', udp6), 'not-implemented', /cannot publish a udp port on ::1/);
      for (const name of ['a', 'b', 'd', 'e', 'f']) await engine.networks.release(idOf(name));
    });

    test('none, host and container:ID', async () => {
      await engine.networks.reconcile([]);
      const none = await engine.networks.attach(attachRequest('none', { mode: 'none' }));
      assert.deepEqual((await runIn(none.netnsPath!, ['ls', '/proc/self/net/dev_snmp6'])).trim(), 'lo');
      assert.equal(none.networks.none!.NetworkID, engine.networks.resolve('none').id);
      const host = await engine.networks.attach(attachRequest('host', { mode: 'host' }));
      assert.equal(host.netnsPath, undefined);
      assert.equal(host.networks.host!.IPAddress, '');
      const web = await engine.networks.attach(attachRequest('web'));
      const joined = await engine.networks.attach(attachRequest('joined', { mode: `container:${idOf('web')}` }));
      assert.deepEqual(joined, { id: '', netnsPath: web.netnsPath, networks: {}, ports: {} });
      await engine.networks.release(idOf('joined'));
      assert.match(await runIn(web.netnsPath!, ['ip', '-4', 'address']), /172\.17\.0\.\d+\/16/);
      await rejects(
        engine.networks.attach(attachRequest('late', { mode: `container:${idOf('absent')}` })),
        'conflict',
        /cannot join network of a non running container: absent0/,
      );
      for (const name of ['none', 'host', 'web']) await engine.networks.release(idOf(name));
    });

    test("a hardware address of one's own", async () => {
      await engine.networks.reconcile([]);
      const { netnsPath, networks } = await engine.networks.attach(
        attachRequest('mac', { macAddress: '02-00-00-00-00-AB' }),
      );
      assert.equal(networks.bridge!.MacAddress, '02:00:00:00:00:ab');
      assert.match(await runIn(netnsPath!, ['ip', 'link', 'show', 'eth0']), /02:00:00:00:00:ab/);
      for (const macAddress of ['x', '02:00:00:00:00', '03:00:00:00:00:ab']) {
        await rejects(engine.networks.attach(attachRequest('bad', { macAddress })), 'invalid', /invalid MAC address/);
      }
      await engine.networks.release(idOf('mac'));
    });

    test('unknown networks, and fixed addresses on the default bridge, are refused', async () => {
      await engine.networks.reconcile([]);
      await rejects(
        engine.networks.attach(attachRequest('x', { mode: 'nope' })),
        'not-found',
        /^network nope not found$/,
      );
      await rejects(
        engine.networks.attach(attachRequest('x', { endpoints: { nope: {} } })),
        'not-found',
        /^network nope not found$/,
      );
      const endpoints: AttachRequest['endpoints'] = { bridge: { IPAMConfig: { IPv4Address: '172.17.0.99' } } };
      await rejects(
        engine.networks.attach(attachRequest('x', { endpoints })),
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
      assert.equal(engine.networks.hostGateway, '172.17.0.1');
      const { IPAM, Options } = engine.networks.inspect('bridge');
      assert.deepEqual(IPAM.Config, [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }]);
      assert.equal(Options['com.docker.network.bridge.name'], 'wherry0');
    });

    test('many containers at once get sandboxes of their own', async () => {
      await engine.networks.reconcile([]);
      const names = Array.from({ length: 12 }, (_, index) => `n${index}-`);
      const got = await Promise.all(names.map((name) => engine.networks.attach(attachRequest(name, publish80('')))));
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
      const sandbox = await engine.networks.attach(attachRequest('old'));
      sandbox.networks.bridge!.IPAddress = '10.1.2.3';
      await engine.restart();
      await engine.networks.reconcile([fromRecord('old', sandbox)]);
      assert.match(
        engine.log.join(),
        /running container old \(old0+\) has lost its network: 10\.1\.2\.3 is not in the subnet/,
      );
      await engine.networks.release(idOf('old'));
    });
  });
}

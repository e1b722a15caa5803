import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { inOwnNamespace, joinNamespaces, makeNamespace, runIn, type TestNamespace } from '#test/support/netns.ts';
import {
  attachRequest,
  fetchFrom,
  idOf,
  openTestNetworks,
  receiveUdp,
  sendUdp,
  serveHttp,
  type TestNetworks,
} from '#test/support/networks.ts';
import type { AttachRequest } from './attach-request.ts';
import type { Sandbox } from './sandbox.ts';

const HOST = '/proc/self/ns/net';
const HOST_ADDRESS = '10.99.0.1';

function publish(...ports: string[]): Partial<AttachRequest> {
  const portBindings: AttachRequest['portBindings'] = {};
  for (const port of ports) {
    const [, HostIp = '', HostPort, containerPort] = /^(?:(.*):)?(\d*):(\d+\/\w+)$/.exec(port)!;
    portBindings[containerPort!] = [...(portBindings[containerPort!] ?? []), { HostIp, HostPort: HostPort! }];
  }
  return { portBindings };
}

const addressOf = (sandbox: Sandbox) => sandbox.networks.bridge!.IPAddress;

async function send(socket: Socket, port: number, text: string): Promise<void> {
  await new Promise((resolve) => socket.send(text, port, HOST_ADDRESS, resolve));
}

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** Bridged packets pass the IP rules or not, depending on a module that dockerd loads: both must work. */
function bridgeFilterValues(): string[] {
  return existsSync(BRIDGE_FILTER) ? ['0', '1'] : [''];
}

async function setBridgeFilter(value: string): Promise<void> {
  if (value !== '') await writeFile(BRIDGE_FILTER, value);
}

/** Makes a namespace send packets for 127.0.0.1 to a gateway, as a hostile neighbour would. */
async function routeLoopbackTo(path: string, gateway: string, source: string): Promise<void> {
  const inside = (...command: string[]) => runIn(path, command);
  await inside('sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1', 'net.ipv4.conf.eth0.route_localnet=1');
  for (const local of ['127.0.0.0/8', '127.0.0.1']) {
    await inside('ip', 'route', 'del', 'table', 'local', 'local', local, 'dev', 'lo');
  }
  await inside('ip', 'route', 'add', '127.0.0.1/32', 'via', gateway, 'src', source);
}

if (inOwnNamespace(import.meta.filename)) {
  describe('traffic of containers on the default bridge', () => {
    let engine: TestNetworks;
    let outside: TestNamespace;
    let web: Sandbox;
    let sibling: Sandbox;
    const servers: { stop(): Promise<void> }[] = [];

    before(async () => {
      outside = await makeNamespace();
      await joinNamespaces('uplink', `${HOST_ADDRESS}/24`, outside, '10.99.0.2/24');
      engine = await openTestNetworks();
      await engine.networks.reconcile([]);
      web = await engine.networks.attach(
        attachRequest('web', publish('8080:80/tcp', '127.0.0.1:8081:80/tcp', '127.0.0.1:5454:54/udp')),
      );
      sibling = await engine.networks.attach(attachRequest('sibling'));
      servers.push(await serveHttp(web.netnsPath!, 80, 'web'), await serveHttp(web.netnsPath!, 81, 'unpublished'));
      servers.push(await serveHttp(outside.path, 80, 'outside'));
    });

    after(async () => {
      for (const server of servers) await server.stop();
      for (const name of ['web', 'sibling']) await engine.networks.release(idOf(name));
      await engine.close();
      await outside.remove();
    });

    test('a published port answers on 127.0.0.1, on the host address, on the bridge address and on ::1', async () => {
      for (const host of ['127.0.0.1', HOST_ADDRESS, web.networks.bridge!.Gateway, '[::1]']) {
        assert.equal(await fetchFrom(HOST, `http://${host}:8080/`), 'web', host);
      }
    });

    test('a published port answers to another host', async () => {
      assert.equal(await fetchFrom(outside.path, `http://${HOST_ADDRESS}:8080/`), 'web');
    });

    test('a published port answers to the container itself and to its sibling (hairpin)', async () => {
      for (const bridgeFilter of bridgeFilterValues()) {
        await setBridgeFilter(bridgeFilter);
        for (const from of [web, sibling]) {
          assert.equal(await fetchFrom(from.netnsPath!, `http://${HOST_ADDRESS}:8080/`), 'web');
          assert.equal(await fetchFrom(from.netnsPath!, `http://${web.networks.bridge!.Gateway}:8080/`), 'web');
        }
      }
    });

    test('containers reach each other by address, and the outside', async () => {
      assert.equal(await fetchFrom(sibling.netnsPath!, `http://${addressOf(web)}/`), 'web');
      assert.equal(await fetchFrom(sibling.netnsPath!, 'http://10.99.0.2/'), 'outside');
    });

    test('a port published on 127.0.0.1 answers there only', async () => {
      assert.equal(await fetchFrom(HOST, 'http://127.0.0.1:8081/'), 'web');
      assert.equal(await fetchFrom(HOST, `http://${HOST_ADDRESS}:8081/`), 'refused');
      assert.equal(await fetchFrom(outside.path, `http://${HOST_ADDRESS}:8081/`), 'refused');
    });

    test('a neighbour that sends packets for 127.0.0.1 reaches no port that is published there', async (t) => {
      const receiver = await receiveUdp(web.netnsPath!, 54);
      t.after(() => receiver.stop());
      await routeLoopbackTo(outside.path, HOST_ADDRESS, '10.99.0.2');
      await sendUdp(outside.path, '127.0.0.1', 5454, 'from outside');
      await sendUdp(HOST, '127.0.0.1', 5454, 'from the host');
      assert.deepEqual(await receiver.received(), ['from the host']);
    });

    test('a sender that was there before the container reaches it, and the next one with the same port', async (t) => {
      const sender = createSocket('udp4').bind(0);
      sender.on('error', () => {});
      t.after(() => sender.close());
      for (const name of ['early', 'first', 'second']) {
        if (name !== 'early') {
          const { netnsPath } = await engine.networks.attach(attachRequest(name, publish(':5555:55/udp')));
          const receiver = await receiveUdp(netnsPath!, 55);
          t.after(() => receiver.stop());
          await send(sender, 5555, name);
          assert.deepEqual(await receiver.received(), [name]);
          await engine.networks.release(idOf(name));
        }
        await send(sender, 5555, 'nobody listens');
      }
    });

    test('unpublished ports are refused to a neighbour that routes to the bridge', async () => {
      await runIn(outside.path, ['ip', 'route', 'add', '172.16.0.0/12', 'via', HOST_ADDRESS]);
      assert.equal(await fetchFrom(HOST, `http://${addressOf(web)}:81/`), 'unpublished');
      assert.equal(await fetchFrom(outside.path, `http://${addressOf(web)}:81/`), 'refused');
    });

    test('a container that sends packets for 127.0.0.1 to its gateway does not reach the services of the host', async (t) => {
      const receiver = await receiveUdp(HOST, 7000);
      t.after(() => receiver.stop());
      const { Gateway } = sibling.networks.bridge!;
      await routeLoopbackTo(sibling.netnsPath!, Gateway, addressOf(sibling));
      await sendUdp(sibling.netnsPath!, '127.0.0.1', 7000, 'from the container by loopback');
      await sendUdp(sibling.netnsPath!, Gateway, 7000, 'from the container by the gateway');
      assert.deepEqual(await receiver.received(), ['from the container by the gateway']);
    });
  });
}

/** What `docker run`'s flags for the network do, seen from inside the container; more in network.test.ts, user-networks.test.ts. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { runIn } from '#test/support/netns.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon();
const { ok, sh, fails } = engine;
afterEach(async () => {
  await engine.daemon.removeContainers();
  await ok`network prune -f`;
});
const WEB = ['sh', '-c', 'echo page > /index.html; exec httpd -f -h /'];

test('--add-host: addresses, host-gateway', async () => {
  const hosts = await sh(
    words`--add-host db:10.1.2.3 --add-host six:[fe80::1] --add-host up:host-gateway`,
    'cat /etc/hosts',
  );
  assert.match(hosts, /^10\.1\.2\.3\s+db$/m);
  assert.match(hosts, /^fe80::1\s+six$/m);
  const gateway = await ok`network inspect -f ${'{{(index .IPAM.Config 0).Gateway}}'} bridge`;
  assert.match(hosts, new RegExp(`^${gateway.replaceAll('.', '\\.')}\\s+up$`, 'm'));
});

test('--dns, --dns-search, --dns-option, --dns-opt', async () => {
  const options = words`--dns 10.1.1.1 --dns 10.1.1.2 --dns-search example.org --dns-option ndots:3 --dns-opt timeout:2`;
  assert.match(
    await sh(options, 'cat /etc/resolv.conf'),
    /^nameserver 10\.1\.1\.1\nnameserver 10\.1\.1\.2\nsearch example\.org\noptions ndots:3 timeout:2$/m,
  );
  assert.match(await fails`run --rm --dns nonsense busybox true`, /nonsense/);
});

test('--mac-address', async () => {
  assert.equal(
    await sh(words`--mac-address 02:42:11:22:33:44`, 'cat /sys/class/net/eth0/address'),
    '02:42:11:22:33:44',
  );
  await ok`create --name again --mac-address 02:42:11:22:33:55 busybox cat /sys/class/net/eth0/address`;
  for (const _ of [1, 2]) assert.equal(await ok`start -a again`, '02:42:11:22:33:55');
  assert.match(await fails`run --rm --mac-address nonsense busybox true`, /invalid MAC address|not a valid mac/i);
});

test('--network: none, host, a container’s, a user’s; --net', async () => {
  assert.equal(await sh(words`--network none`, 'ls /sys/class/net'), 'lo');
  assert.match(await sh(words`--net host`, 'ls /sys/class/net'), /docker0|wherry0/);
  await ok`run -d --name one busybox sleep 1000`;
  const own = await ok`exec one cat /sys/class/net/eth0/address`;
  assert.equal(await sh(words`--network container:one`, 'cat /sys/class/net/eth0/address'), own);
  assert.match(await fails`run --rm --network nonsense busybox true`, /network nonsense not found/);
});

test('--ip, --network-alias, --net-alias: in a network of the user', async () => {
  await ok`network create --subnet 10.77.0.0/24 net`;
  await ok`run -d --name web --network net --ip 10.77.0.44 --network-alias shop --net-alias store busybox ${WEB}`;
  assert.match(await ok`exec web ip -o -4 address show eth0`, / 10\.77\.0\.44\/24 /);
  for (const name of ['web', 'shop', 'store']) {
    assert.equal(await sh(words`--network net`, `wget -qO- http://${name}/`), 'page', name);
  }
  assert.match(await fails`run --rm --network net --ip 10.99.0.1 busybox true`, /10\.99\.0\.1/);
  assert.match(await fails`run --rm --ip 172.17.0.99 busybox true`, /user configured subnets|user specified IP/i);
});

test('--link: a name in the hosts file, and variables', async () => {
  await ok`run -d --name db -e SECRET=1 --expose 5432 busybox sleep 1000`;
  const inside = await sh(words`--link db:base`, 'cat /etc/hosts; env');
  assert.match(inside, /^172\.\S+\s+base db|^172\.\S+\s+base/m);
  assert.match(inside, /^BASE_PORT_5432_TCP_PORT=5432$/m);
  assert.match(inside, /^BASE_ENV_SECRET=1$/m);
});

test('--publish, --publish-all, --expose', async () => {
  await ok`run -d --name web -p 127.0.0.1:8099:80 busybox ${WEB}`;
  const fetch = (port: string) =>
    runIn(engine.daemon.netns.path, words`busybox wget -T 5 -qO- http://127.0.0.1:${port}/`);
  assert.match(JSON.stringify(await fetch('8099')), /page/);
  await ok`run -d --name all -P --expose 80 busybox ${WEB}`;
  const port = (await ok`port all 80`).split('\n')[0]!.split(':').at(-1)!;
  assert.match(JSON.stringify(await fetch(port)), /page/);
});

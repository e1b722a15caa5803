/** Networks that users make: who reaches whom, by which name, at which address, and what survives the engine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { killEngine } from '#test/support/faults.ts';
import { runIn } from '#test/support/netns.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon();
const { ok, fails } = engine;
afterEach(async () => {
  await engine.daemon.removeContainers();
  await ok`network prune -f`;
});

const WEB = ['sh', '-c', 'hostname > /index.html; exec httpd -f -p 80 -h /'];
const web = (name: string, ...more: string[]) => ok`run -d --name ${name} -h ${name} ${more} busybox ${WEB}`;
const netns = (name: string) => ok`inspect -f {{.NetworkSettings.SandboxKey}} ${name}`;
const addressOn = (name: string, network: string) =>
  ok`inspect -f ${`{{(index .NetworkSettings.Networks "${network}").IPAddress}}`} ${name}`;

/** What a container finds at a place, seen from its own network and hosts file; '' when nobody answers. */
async function fetchIn(name: string, host: string): Promise<string> {
  const pid = await ok`inspect -f {{.State.Pid}} ${name}`;
  const hosts = await readFile(`/proc/${pid}/root/etc/hosts`, 'utf8');
  const line = hosts.split('\n').find((text) => text.replace(/#.*/, '').split(/\s+/).slice(1).includes(host));
  const address = isIP(host) ? host : line?.split(/\s+/)[0];
  if (address === undefined) return '';
  const page = await runIn(await netns(name), words`busybox wget -T 1 -qO- http://${address}/`).catch(() => '');
  return page.trim();
}

async function untilFetched(name: string, host: string): Promise<string> {
  for (let tries = 0; tries < 1000; tries++) {
    const page = await fetchIn(name, host);
    if (page !== '') return page;
    await sleep(20);
  }
  throw new Error(`${name} finds nothing at ${host}`);
}

test('containers of a network find each other by name, alias and id; those of another one do not reach them', async () => {
  await ok`network create red`;
  await ok`network create blue`;
  const id = await web('one', ...words`--network red --network-alias first`);
  await web('two', ...words`--network red`);
  await web('three', ...words`--network blue`);
  for (const name of ['one', 'first', id.slice(0, 12)]) assert.equal(await untilFetched('two', name), 'one', name);
  assert.equal(await untilFetched('one', 'two'), 'two', 'who came later is known, too');
  const address = await addressOn('one', 'red');
  await untilFetched('three', 'three');
  assert.equal(await fetchIn('three', address), '', 'bridges are apart');
  assert.equal(await fetchIn('three', 'one'), '');
  await ok`network connect --alias other red three`;
  assert.equal(await untilFetched('three', 'one'), 'one');
  assert.equal(await untilFetched('one', 'other'), 'three');
  await ok`network disconnect red three`;
  assert.equal(await fetchIn('three', address), '');
  assert.equal(await fetchIn('one', 'other'), '');
  await ok`rm -f one`;
  assert.equal(await fetchIn('two', 'one'), '', 'who is gone is forgotten');
});

test('a subnet, gateway, range and address of the user’s choice', async () => {
  await ok`network create --subnet 10.5.0.0/16 --gateway 10.5.0.9 --ip-range 10.5.3.0/30 --aux-address router=10.5.3.1 chosen`;
  assert.match(await ok`run --rm --network chosen busybox ip -o -4 address show eth0`, /inet 10\.5\.3\.[023]\/16/);
  assert.match(await ok`run --rm --network chosen busybox ip route`, /^default via 10\.5\.0\.9 dev eth0/m);
  assert.match(await ok`run --rm --network chosen --ip 10.5.7.7 busybox ip -o -4 address`, /inet 10\.5\.7\.7\/16/);
  await ok`run -d --name fixed --network chosen --ip 10.5.7.7 busybox sleep 1000`;
  assert.match(await fails`run --rm --network chosen --ip 10.5.7.7 busybox true`, /Address already in use/);
  assert.match(
    await fails`run --rm --network chosen --ip 10.6.0.1 busybox true`,
    /invalid config for network chosen: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10\.6\.0\.1/,
  );
  assert.match(
    await fails`network create --subnet 10.5.1.0/24 overlap`,
    /Pool overlaps with other one on this address space/,
  );
  await ok`restart -t 0 fixed`;
  assert.equal(await addressOn('fixed', 'chosen'), '10.5.7.7');
});

test('several networks: the order of links, the way out by priority, else by name, and back when one is left', async () => {
  await ok`network create zebra`;
  await ok`network create apple`;
  const route = async (name: string) => (await runIn(await netns(name), words`ip route show default`)).trim();
  await ok`run -d --name multi --network zebra --network apple busybox sleep 1000`;
  const links = await runIn(await netns('multi'), words`ip -o -4 address`);
  const [zebra, apple] = [await addressOn('multi', 'zebra'), await addressOn('multi', 'apple')];
  assert.match(links, new RegExp(`eth0 +inet ${zebra}/[\\s\\S]*eth1 +inet ${apple}/`));
  assert.match(await route('multi'), / dev eth1$/, 'apple comes first');
  await ok`network disconnect apple multi`;
  assert.match(await route('multi'), / dev eth0$/);
  await ok`network disconnect zebra multi`;
  assert.equal(await route('multi'), '');
  await ok`restart -t 0 multi`;
  assert.equal(await runIn(await netns('multi'), words`ip -o link show type veth`), '', 'it stays without networks');
  await ok`network connect zebra multi`;
  assert.match(await route('multi'), / dev eth0$/);
  const { code } = await engine.daemon.wherry(words`network connect --gw-priority 5 apple multi`);
  assert.equal(code, 0);
  assert.match(await route('multi'), / dev eth1$/);
});

test('published ports follow the way out', async () => {
  await ok`network create aaa`;
  await web('ported', ...words`-p 127.0.0.1:8080:80`);
  const fetched = () =>
    runIn(engine.daemon.netns.path, words`busybox wget -T 1 -qO- http://127.0.0.1:8080/`).catch(() => '');
  await untilFetched('ported', await addressOn('ported', 'bridge'));
  assert.equal(await fetched(), 'ported\n');
  await ok`network connect aaa ported`;
  assert.equal(await fetched(), 'ported\n');
  await ok`network disconnect bridge ported`;
  assert.equal(await fetched(), 'ported\n');
  assert.equal(await ok`port ported`, '80/tcp -> 127.0.0.1:8080');
  await ok`network disconnect aaa ported`;
  assert.equal(await fetched(), '');
  await ok`network connect bridge ported`;
  assert.equal(await fetched(), 'ported\n');
});

test('an internal network leads nowhere, and nobody comes in', async () => {
  await ok`network create --internal inner`;
  await ok`network create outer`;
  await web('inside', ...words`--network inner -p 8081:80`);
  await web('outside', ...words`--network outer`);
  assert.equal(await runIn(await netns('inside'), words`ip route show default`), '');
  const address = await addressOn('inside', 'inner');
  await web('beside', ...words`--network inner`);
  assert.equal(await untilFetched('beside', 'inside'), 'inside');
  assert.equal(await fetchIn('outside', address), '');
  await untilFetched('outside', 'outside');
  const out = await addressOn('outside', 'outer');
  await runIn(await netns('inside'), words`ip route add default via ${address.replace(/\d+$/, '1')}`);
  assert.equal(await fetchIn('inside', out), '', 'a route of its own does not help');
  assert.equal(await ok`port inside`, '');
});

test('options: bridge name, MTU, no traffic between containers, labels', async () => {
  await ok`network create -o com.docker.network.bridge.name=mybridge -o com.docker.network.driver.mtu=1400 --label a=b named`;
  assert.match(await runIn(engine.daemon.netns.path, words`ip -o link show mybridge`), /mtu 1400/);
  assert.match(await ok`run --rm --network named busybox ip -o link show eth0`, /mtu 1400/);
  assert.equal(await ok`network ls -q -f label=a=b --format {{.Name}}`, 'named');
  await ok`network create -o com.docker.network.bridge.enable_icc=false apart`;
  await web('left', ...words`--network apart`);
  await web('right', ...words`--network apart`);
  await untilFetched('left', 'left');
  assert.equal(await fetchIn('right', 'left'), '');
});

test('links of the default bridge: names, variables, a partner that comes back elsewhere', async () => {
  await ok`run -d --name db -e SECRET=s --expose 5432 -h dbhost busybox sleep 1000`;
  const address = await addressOn('db', 'bridge');
  const env = await ok`run --rm --name web --link db:store busybox env`;
  for (const variable of [
    `STORE_PORT=tcp://${address}:5432`,
    `STORE_PORT_5432_TCP_ADDR=${address}`,
    'STORE_NAME=/web/store',
    'STORE_ENV_SECRET=s',
  ]) {
    assert.ok(env.split('\n').includes(variable), `${variable} in ${env}`);
  }
  await ok`run -d --name web --link db:store busybox sleep 1000`;
  const hosts = async () => readFile(await ok`inspect -f {{.HostsPath}} web`, 'utf8');
  assert.match(await hosts(), new RegExp(`^${address.replaceAll('.', '\\.')}\tstore dbhost db\t`, 'm'));
  await ok`stop -t 0 db`;
  await ok`run -d --name thief busybox sleep 1000`;
  await ok`start db`;
  const next = await addressOn('db', 'bridge');
  assert.match(await hosts(), new RegExp(`^${next.replaceAll('.', '\\.')}\tstore `, 'm'));
  const names = async (name: string) => ok`ps --no-trunc --filter name=^${name}$ --format {{.Names}}`;
  assert.equal(await names('db'), 'db,web/store');
  await ok`rename db data`;
  await ok`rename web front`;
  assert.equal(await names('data'), 'data,front/store');
  assert.equal(await ok`inspect -f {{.HostConfig.Links}} front`, '[/data:/front/store]');
  await ok`restart -t 0 front`;
  assert.match(await ok`exec front env`, /^STORE_NAME=\/front\/store$/m);
  assert.equal(await ok`inspect -f {{.Name}} front/store`, '/data');
  assert.match(await fails`rm --link data`, /cannot remove the default link name/);
  await ok`rm --link front/store`;
  assert.equal(await names('data'), 'data');
  assert.doesNotMatch(await readFile(await ok`inspect -f {{.HostsPath}} front`, 'utf8'), /store/);
  assert.match(await fails`inspect front/store`, /No such/);
  await ok`rename data db`;
  assert.match(
    await fails`run --rm --link nosuch busybox true`,
    /could not get container for nosuch: No such container: nosuch/,
  );
  await ok`stop -t 0 db`;
  assert.match(
    await fails`run --rm --link db busybox true`,
    /Cannot link to a non running container: \/db AS \/\w+\/db/,
  );
});

test('a killed engine comes back to the same networks, addresses, names and rules', async () => {
  await ok`network create kept`;
  await web('k1', ...words`--network kept -p 8082:80`);
  await web('k2', ...words`--network kept`);
  await ok`network connect bridge k2`;
  const before = await ok`network inspect kept -f ${'{{json .Containers}}'}`;
  await killEngine(engine.daemon);
  assert.equal(await ok`network inspect kept -f ${'{{json .Containers}}'}`, before);
  assert.equal(await untilFetched('k2', 'k1'), 'k1');
  const page = await runIn(engine.daemon.netns.path, words`busybox wget -T 2 -qO- http://127.0.0.1:8082/`);
  assert.equal(page, 'k1\n');
  await web('k3', ...words`--network kept`);
  assert.equal(await untilFetched('k1', 'k3'), 'k3');
  assert.ok(!before.includes(`"${await addressOn('k3', 'kept')}/`));
});

test('what is refused, in docker’s words', async () => {
  await ok`network create taken`;
  await ok`run -d --name user --network taken busybox sleep 1000`;
  assert.match(await fails`network create taken`, /network with name taken already exists/);
  assert.match(await fails`network create host`, /operation is not permitted on predefined host network/);
  assert.match(
    await fails`network rm taken`,
    /error while removing network: network taken id \w{64} has active endpoints/,
  );
  assert.match(await fails`network rm bridge`, /bridge is a pre-defined network and cannot be removed/);
  assert.match(await fails`network connect taken user`, /endpoint with name user already exists in network taken/);
  assert.match(
    await fails`network connect host user`,
    /cannot be disconnected from host network or connected to host network/,
  );
  assert.match(await fails`network disconnect bridge user`, /container \w{64} is not connected to network bridge/);
  assert.match(await fails`run --rm --network nosuch busybox true`, /network nosuch not found/);
  await ok`run -d --name sharing --network container:user busybox sleep 1000`;
  assert.match(
    await fails`network connect bridge sharing`,
    /container sharing network namespace with another container or host/,
  );
});

test('wherry’s own commands', async () => {
  const wherry = async (...line: Parameters<typeof words>) => {
    const { code, stdout, stderr } = await engine.daemon.wherry(words(...line));
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  };
  const id = await wherry`network create --subnet 10.9.0.0/24 --gateway 10.9.0.7 --label x=y mine`;
  assert.match(await wherry`network ls`, new RegExp(`^${id.slice(0, 12)} +mine +bridge +local$`, 'm'));
  assert.equal(await wherry`network ls --no-trunc -q -f name=mine`, id);
  assert.equal(
    await wherry`network inspect -f ${'{{(index .IPAM.Config 0).Gateway}} {{.Labels.x}}'} mine`,
    '10.9.0.7 y',
  );
  await wherry`run -d --name some busybox sleep 1000`;
  await wherry`network connect --ip 10.9.0.20 --alias me mine some`;
  assert.equal(await addressOn('some', 'mine'), '10.9.0.20');
  await wherry`network disconnect mine some`;
  const { stdout } = await engine.daemon.wherry(words`network prune`, { input: 'n\n' });
  assert.match(stdout, /WARNING! This will remove all custom networks not used by at least one container/);
  assert.equal(await wherry`network prune -f`, 'Deleted Networks:\nmine');
  await wherry`network rm -f mine`;
  const missing = await engine.daemon.wherry(words`network rm mine`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /network mine not found/);
});

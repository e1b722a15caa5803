/** Containers and the world around them: published ports, each other, the host, and firewalls of others. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { debianArchive } from '#test/support/images.ts';
import { makeNamespace, runIn, type TestNamespace } from '#test/support/netns.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
/** Another machine, at 10.99.0.2; the engine's is 10.99.0.1 there. */
let peer: TestNamespace;
const started: ChildProcess[] = [];

before(async () => {
  daemon = await startDaemon();
  peer = await makeNamespace();
  await host(...words`ip link add out type veth peer name eth0 netns ${peer.name}`);
  await host(...words`ip address add 10.99.0.1/24 dev out`);
  await host(...words`ip link set out up`);
  await runIn(peer.path, words`ip address add 10.99.0.2/24 dev eth0`);
  await runIn(peer.path, words`ip link set eth0 up`);
});
after(async () => {
  for (const child of started) child.kill('SIGKILL');
  await peer.remove();
  await daemon.close();
});

const host = (...command: string[]) => runIn(daemon.netns.path, command);
const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

/** Fetches a page from a namespace; '' when nobody answers. */
const fetchFrom = (path: string, url: string) => runIn(path, words`busybox wget -T 2 -qO- ${url}`).catch(() => '');

async function untilFetched(path: string, url: string): Promise<string> {
  for (let tries = 0; tries < 1000; tries++) {
    const page = await fetchFrom(path, url);
    if (page !== '') return page;
    await sleep(20);
  }
  throw new Error(`${url} does not answer`);
}

/** A web server in a namespace; resolves when it listens. Its log has the address of who asks. */
async function serve(path: string, address: string, port: number): Promise<() => string> {
  const child = spawn('nsenter', [`--net=${path}`, ...words`python3 -u -m http.server --bind ${address} ${port}`], {
    cwd: '/usr/share/common-licenses',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
  while (!log.includes('Serving')) await sleep(10);
  return () => log;
}

const WEB = ['sh', '-c', 'hostname > /index.html; exec httpd -f -p 80 -h /'];

test('-p: every address, one address, ranges, random ports, and all exposed ones', async () => {
  const ports = words`-p 8080:80 -p 127.0.0.1:8081:80 -p 10.99.0.1:8082:80 -p 127.0.0.1::80 -p 80 -p 9000-9002:9000-9002`;
  await ok`run -d --name web -h web ${ports} busybox ${WEB}`;
  const lines = (await ok`port web`).split('\n');
  const bound = (port: string) =>
    lines.filter((line) => line.startsWith(`${port} -> `)).map((line) => line.split(' -> ')[1]!);
  const random = bound('80/tcp').filter((address) => !/:808\d$/.test(address));
  assert.ok(bound('80/tcp').includes('0.0.0.0:8080') && bound('80/tcp').includes('127.0.0.1:8081'));
  assert.ok(bound('80/tcp').includes('10.99.0.1:8082') && bound('9001/tcp').includes('0.0.0.0:9001'));
  assert.equal(random.filter((address) => address.startsWith('127.0.0.1:')).length, 1);
  assert.equal(random.filter((address) => address.startsWith('0.0.0.0:')).length, 1);
  await untilFetched(daemon.netns.path, 'http://127.0.0.1:8080');
  const open = ['127.0.0.1:8080', '10.99.0.1:8080', '127.0.0.1:8081', '10.99.0.1:8082', ...random];
  for (const address of open) {
    const url = `http://${address.replace('0.0.0.0', '127.0.0.1')}`;
    assert.equal(await fetchFrom(daemon.netns.path, url), 'web\n', url);
  }
  for (const port of [8080, 8082]) assert.equal(await fetchFrom(peer.path, `http://10.99.0.1:${port}`), 'web\n');
  assert.equal(await fetchFrom(peer.path, 'http://10.99.0.1:8081'), '', 'published on the loopback only');
  assert.match(await ok`ps --format {{.Ports}}`, /0\.0\.0\.0:9000-9002->9000-9002\/tcp/);
  for (const taken of ['8080', '127.0.0.1:8080', '9001', '10.99.0.1:8082']) {
    const { code, stderr } = await daemon.docker(words`run --rm -p ${taken}:80 busybox true`);
    assert.equal(code, 125, taken);
    assert.match(stderr, /Bind for \S+ failed: port is already allocated/);
  }
  await ok`rm -f web`;
  await ok`run -d --name exposing -h exposing --expose 80 -P busybox ${WEB}`;
  const [, port] = /0\.0\.0\.0:(\d+)$/m.exec(await ok`port exposing 80`)!;
  assert.equal(await untilFetched(peer.path, `http://10.99.0.1:${port}`), 'exposing\n');
  await ok`rm -f exposing`;
});

test('a container that publishes a port twice is refused, or moves on in its range', async () => {
  const { stderr } = await daemon.docker(words`run --rm -p 8080:80 -p 8080:81 busybox true`);
  assert.match(stderr, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
  await ok`run -d --name twice -p 8080:80 -p 8080-8081:81 busybox ${WEB}`;
  assert.match(await ok`port twice`, /^80\/tcp -> 0\.0\.0\.0:8080$[\s\S]*^81\/tcp -> 0\.0\.0\.0:8081$/m);
  await ok`rm -f twice`;
});

test('a port is free as soon as its container is told to be gone', async () => {
  await ok`run -d --name web -p 8080:80 busybox ${WEB}`;
  for (let round = 0; round < 5; round++) {
    await ok`rm -f web`;
    await ok`run -d --name web -p 8080:80 busybox ${WEB}`;
    await ok`stop -t 0 web`;
    await ok`run --rm -p 8080:80 busybox true`;
    await ok`start web`;
  }
  await ok`rm -f web`;
});

test('a port that a program of the host listens on is refused, and nothing is left of the container', async () => {
  await serve(daemon.netns.path, '0.0.0.0', 7001);
  const { code, stderr } = await daemon.docker(words`run --rm -p 7001:80 busybox true`);
  assert.equal(code, 125);
  assert.match(stderr, /Bind for 0\.0\.0\.0:7001 failed: port is already allocated/);
  assert.equal(await ok`ps -aq`, '');
});

test('UDP: a datagram goes in, its answer comes back from the address that was asked', async () => {
  await ok`load -q -i ${await debianArchive()}`;
  const echo =
    'use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 53, Proto => "udp"); for (;;) { $s->recv($m, 100); $s->send($m) }';
  await ok`run -d --name udp -p 5353:53/udp debian:trixie perl -e ${echo}`;
  const ask = `import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(("10.99.0.1", 5353)); s.settimeout(0.2)
for i in range(50):
  s.send(b"hello")
  try: print(s.recv(100).decode()); break
  except (TimeoutError, ConnectionRefusedError): pass`;
  assert.equal(await runIn(peer.path, ['python3', '-c', ask]), 'hello\n');
  assert.match(await ok`port udp`, /^53\/udp -> 0\.0\.0\.0:5353$/m);
  await ok`rm -f udp`;
});

test('containers reach each other by address, and the world as the host', async () => {
  await ok`run -d --name server -h server busybox ${WEB}`;
  const address = await ok`inspect -f {{.NetworkSettings.IPAddress}} server`;
  assert.match(address, /^172\.\d+\.0\.\d+$/);
  assert.equal(await ok`run --rm busybox wget -T 5 -qO- ${`http://${address}`}`, 'server');
  const log = await serve(peer.path, '10.99.0.2', 8000);
  assert.match(await ok`run --rm busybox wget -T 5 -qO- http://10.99.0.2:8000/BSD`, /REDISTRIBUTION|Redistribution/i);
  assert.match(log(), /^10\.99\.0\.1 - - .*"GET \/BSD/m);
  await ok`rm -f server`;
});

test('a container cannot reach what listens on the loopback of the host, whatever it does to its own routes', async () => {
  await serve(daemon.netns.path, '127.0.0.1', 7002);
  assert.match(await fetchFrom(daemon.netns.path, 'http://127.0.0.1:7002/'), /BSD/);
  const script = `
    gateway=$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'); echo gateway $gateway
    try() { wget -T 1 -qO- http://$1:7002/ && echo "reached $1"; }
    for address in $gateway 10.99.0.1 127.0.0.1 127.0.0.2; do try $address; done
    ip address del 127.0.0.1/8 dev lo; ip route del local 127.0.0.0/8 table local; ip route del table local 127.0.0.1
    ip route add 127.0.0.0/8 via $gateway; sysctl -w net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1
    for address in 127.0.0.1 127.0.0.2; do try $address; done`;
  const privileged = await daemon.docker(words`run --rm --privileged busybox sh -c ${script}`);
  assert.match(privileged.stdout, /^gateway 172\.\d+\.0\.1\n/);
  assert.match(privileged.stdout, /route_localnet = 1/);
  assert.doesNotMatch(privileged.stdout, /reached|BSD/);
});

test('host has the links of the host, none has the loopback alone', async () => {
  assert.match(await ok`run --rm --network host busybox ip -o link`, /wherry0[\s\S]*out@/);
  assert.match(await ok`run --rm --network none busybox ip -o link`, /^1: lo: <LOOPBACK,UP[^\n]*$/);
});

test('a network namespace shared with another container', async () => {
  await ok`run -d --name owner -h owner busybox ${WEB}`;
  assert.equal(await ok`run --rm --network container:owner busybox wget -T 5 -qO- http://127.0.0.1`, 'owner');
  await ok`rm -f owner`;
});

describe('firewalls of others', () => {
  const MARKER =
    'add table inet marker { set s { type ipv4_addr; elements = { 192.0.2.1 } }; chain c { type filter hook input priority 5; ip saddr @s counter packets 0 bytes 0 drop; }; }';

  async function foreignRules(): Promise<string> {
    const text = await host('nft', '-s', 'list', 'ruleset');
    return text.replace(/^table inet wherry \{$[\s\S]*?^\}$/m, '').trim();
  }

  test('are never touched', async () => {
    await host('nft', MARKER);
    await host(
      'nft',
      'add table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; oif lo masquerade; }; }',
    );
    const rules = await foreignRules();
    assert.match(rules, /192\.0\.2\.1/);
    const addresses = await host(...words`ip address show dev out`);
    await ok`run -d --name web -p 8080:80 busybox ${WEB}`;
    await untilFetched(daemon.netns.path, 'http://127.0.0.1:8080');
    await ok`rm -f web`;
    await daemon.stop();
    await daemon.start();
    await ok`run --rm -p 8080:80 busybox true`;
    assert.equal(await foreignRules(), rules);
    assert.equal(await host(...words`ip address show dev out`), addresses);
    await host(...words`nft delete table inet marker`);
    await host(...words`nft delete table ip nat`);
  });

  test('that drop forwarded traffic are a warning of info, as long as they do', async () => {
    const warnings = () => ok`info -f ${'{{json .Warnings}}'}`;
    const before = await warnings();
    await host('nft', 'add table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }');
    const during = await warnings();
    assert.match(during, /FORWARD/);
    assert.match(during, /drop/);
    await ok`run -d --name blocked -p 8080:80 busybox ${WEB}`;
    assert.match((await daemon.docker(['info'])).stderr, /WARNING: .*FORWARD/);
    assert.equal(await fetchFrom(peer.path, 'http://10.99.0.1:8080'), '', 'the drop is real');
    await host(...words`nft delete table ip filter`);
    assert.equal(await warnings(), before);
    await untilFetched(peer.path, 'http://10.99.0.1:8080');
    await ok`rm -f blocked`;
  });
});

/** Testcontainers' own library, and in place of its reaper, whose image is not here, one that does the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Output, run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { debianArchive } from '#test/support/images.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;

before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));
const session = join(import.meta.dirname, '../support/testcontainers-session.ts');

function testcontainers(...args: string[]): Promise<Output> {
  const command = [`--net=${daemon.netns.path}`, process.execPath, session, ...args];
  return run('nsenter', command, '', {
    ...process.env,
    DOCKER_HOST: daemon.host,
    DOCKER_CONFIG: daemon.folder,
    TESTCONTAINERS_RYUK_DISABLED: 'true',
  });
}

test('containers with a network, wait strategies, exec, copies, logs and their stream, a restart, and all removed at the end', async () => {
  const { code, stdout, stderr } = await testcontainers();
  assert.equal(code, 0, stderr);
  const { page, again, logs, execs, copied, consumed } = JSON.parse(stdout);
  assert.equal(page, 'the shop is open\n');
  assert.equal(again, page);
  assert.match(logs, /the shop is open\s+bought/);
  assert.deepEqual(execs, ['copied in\n640\nenv\n', 'out\nerr\n', 'err\n', 3]);
  assert.equal(copied, true);
  assert.match(consumed, /ready/);
  assert.equal(await ok`ps -aq`, '');
  assert.equal(await ok`network ls -q -f type=custom`, '');
});

/** Asks over the socket for everything with a label and removes it, when a line comes in. */
const REAPER = String.raw`
use IO::Socket::UNIX;
sub ask {
  my $socket = IO::Socket::UNIX->new(Peer => "/var/run/docker.sock") or die "no socket: $!";
  print $socket "$_[0] HTTP/1.0\r\n\r\n";
  return join "", <$socket>;
}
$| = 1; print "waiting\n"; <STDIN>;
my $filters = "filters=%7B%22label%22%3A%5B%22org.testcontainers%3Dtrue%22%5D%7D";
ask("DELETE /containers/$_?force=1&v=1") for ask("GET /containers/json?all=1&$filters") =~ /"Id":"(\w{64})"/g;
ask("DELETE /networks/$_") for ask("GET /networks?$filters") =~ /"Id":"(\w{64})"/g;
print "reaped\n";
`;

test('a reaper with the socket mounted removes by label what was left, also after the engine was killed', async () => {
  await ok`load -q -i ${await debianArchive()}`;
  const socket = `${daemon.socket}:/var/run/docker.sock`;
  await ok`create -i --name reaper -v ${socket} debian:trixie perl -e ${REAPER}`;
  const { code, stderr } = await testcontainers('--abandon');
  assert.equal(code, 0, stderr);
  assert.equal((await ok`ps -q`).split('\n').length, 1);
  await ok`run -d --name other busybox sleep 1000`;
  const reaping = daemon.docker(words`start -ai reaper`, { input: '\n' });
  assert.match((await reaping).stdout, /reaped/);
  assert.deepEqual((await ok`ps -a --format {{.Names}}`).split('\n').sort(), ['other', 'reaper']);
  assert.equal(await ok`network ls -q -f type=custom`, '');

  await ok`run -d --label org.testcontainers=true --name late busybox sleep 1000`;
  await killEngine(daemon);
  assert.match((await daemon.docker(words`start -ai reaper`, { input: '\n' })).stdout, /reaped/);
  assert.deepEqual((await ok`ps -a --format {{.Names}}`).split('\n').sort(), ['other', 'reaper']);
});

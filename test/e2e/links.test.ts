/** Links of the default bridge where neighbours are kept apart: who reaches which port of whom, and for how long. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { fetchFrom } from '#test/support/networks.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ flags: ['--icc=false'] });
});
after(() => daemon.close());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));
const SERVER = ['sh', '-c', 'echo served > /index.html; httpd -p 81 -h /; exec httpd -f -p 80 -h /'];
const addressOf = (name: string) => ok`inspect -f {{.NetworkSettings.Networks.bridge.IPAddress}} ${name}`;

/** What `from` finds at a port of `to`, once `to` serves itself. */
async function fetch(from: string, to: string, port = 80): Promise<string> {
  const [client, server] = await Promise.all(
    [from, to].map((name) => ok`inspect -f {{.NetworkSettings.SandboxKey}} ${name}`),
  );
  while ((await fetchFrom(server!, 'http://127.0.0.1/')) !== 'served\n') await sleep(20);
  return fetchFrom(client!, `http://${await addressOf(to)}:${port}/`);
}

test('a link opens the exposed ports of its target to its owner, and nothing else', async () => {
  await ok`run -d --name db --expose 80 busybox ${SERVER}`;
  await ok`run -d --name web --link db:store busybox ${SERVER}`;
  await ok`run -d --name other busybox sleep 1000`;
  assert.equal(await fetch('web', 'db'), 'served\n');
  assert.equal(await fetch('web', 'db', 81), 'refused', 'that port is not exposed');
  assert.equal(await fetch('db', 'web'), 'refused', 'a link has one direction');
  assert.equal(await fetch('other', 'db'), 'refused');

  await killEngine(daemon);
  assert.equal(await fetch('web', 'db'), 'served\n');
  assert.equal(await fetch('other', 'db'), 'refused');

  await ok`stop -t 0 db`;
  await ok`run -d --name heir --expose 80 busybox ${SERVER}`;
  await ok`start db`;
  assert.equal(await fetch('web', 'db'), 'served\n', 'it is reached where it is now');
  assert.equal(await fetch('web', 'heir'), 'refused');

  await ok`rm --link web/store`;
  assert.equal(await fetch('web', 'db'), 'refused');
});

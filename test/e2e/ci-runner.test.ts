/** What CI runners do with the bare API: attach and wait before the start, feed a script, be told of the end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { upgrade } from '#test/support/hijack.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const V = '/v1.45';
const post = (path: string, body?: object) => ask(daemon.socket, 'POST', `${V}${path}`, body);
const STREAMS = 'stream=1&stdin=1&stdout=1&stderr=1';

async function create(name: string, more: object = {}): Promise<string> {
  const body = { Image: 'busybox', Cmd: ['sh'], OpenStdin: true, StdinOnce: true, ...more };
  const { status, text } = await post(`/containers/create?name=${name}`, body);
  assert.equal(status, 201, text);
  return JSON.parse(text).Id;
}

/** The head of a wait's reply comes when it is registered: only then may the container be started. */
function wait(id: string, condition: string): Promise<{ StatusCode: number; Error?: object }> {
  return post(`/containers/${id}/wait?condition=${condition}`).then(({ status, text }) => {
    assert.equal(status, 200, text);
    return JSON.parse(text);
  });
}

const SCRIPT = 'echo out; echo err >&2; exit 3\n';

test('attach, wait for the next exit, start, feed: all output, the exit code, and removal', async () => {
  const id = await create('job');
  const attached = await upgrade(daemon.socket, `${V}/containers/${id}/attach?${STREAMS}`);
  const exited = wait(id, 'next-exit');
  assert.equal((await post(`/containers/${id}/start`)).status, 204);
  attached.socket.end(SCRIPT);
  assert.deepEqual(await attached.streams, { stdout: 'out\n', stderr: 'err\n' });
  assert.deepEqual(await exited, { StatusCode: 3 });
  assert.equal((await ask(daemon.socket, 'DELETE', `${V}/containers/${id}?v=1&force=1`)).status, 204);
});

test('wait for the removal, registered before the start', async () => {
  const id = await create('vanishing', { HostConfig: { AutoRemove: true } });
  const attached = await upgrade(daemon.socket, `${V}/containers/${id}/attach?${STREAMS}`);
  const removed = wait(id, 'removed');
  assert.equal((await post(`/containers/${id}/start`)).status, 204);
  attached.socket.end(SCRIPT);
  assert.deepEqual(await attached.streams, { stdout: 'out\n', stderr: 'err\n' });
  assert.deepEqual(await removed, { StatusCode: 3 });
  assert.equal((await ask(daemon.socket, 'GET', `${V}/containers/${id}/json`)).status, 404);
});

test('the same container again and again, a wait before each start', async () => {
  const id = await create('steps', { StdinOnce: true });
  for (const code of [0, 5, 0]) {
    const attached = await upgrade(daemon.socket, `${V}/containers/${id}/attach?${STREAMS}`);
    const exited = wait(id, 'next-exit');
    assert.equal((await post(`/containers/${id}/start`)).status, 204);
    attached.socket.end(`echo step; exit ${code}\n`);
    assert.deepEqual([await exited, await attached.streams], [{ StatusCode: code }, { stdout: 'step\n', stderr: '' }]);
  }
  assert.equal((await ask(daemon.socket, 'DELETE', `${V}/containers/${id}`)).status, 204);
});

test('a job that is cancelled: killed while it is waited for, and forced out', async () => {
  const id = await create('cancelled', { Cmd: ['sleep', '1000'], HostConfig: { AutoRemove: true } });
  const exited = wait(id, 'next-exit');
  const removed = wait(id, 'removed');
  await post(`/containers/${id}/start`);
  assert.equal((await post(`/containers/${id}/kill`)).status, 204);
  assert.deepEqual([await exited, await removed], [{ StatusCode: 137 }, { StatusCode: 137 }]);
});

test('the engine is killed in the middle: who asks again is told what he would have been told', async () => {
  const until = 'until [ -e /told ]; do sleep 0.05; done; exit 4';
  const id = await create('survivor', { Cmd: ['sh', '-c', until] });
  const lost = wait(id, 'next-exit').catch(() => 'cut off');
  await post(`/containers/${id}/start`);
  await killEngine(daemon);
  assert.equal(await lost, 'cut off');
  const ended = wait(id, 'not-running');
  await daemon.ok(['exec', '-d', id, 'touch', '/told']);
  assert.deepEqual(await ended, { StatusCode: 4 });
  const vanishing = await create('gone', { Cmd: ['sh', '-c', until], HostConfig: { AutoRemove: true } });
  await post(`/containers/${vanishing}/start`);
  await killEngine(daemon);
  const removed = wait(vanishing, 'removed');
  await daemon.ok(['exec', '-d', vanishing, 'touch', '/told']);
  assert.deepEqual(await removed, { StatusCode: 4 });
});

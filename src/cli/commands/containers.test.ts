/** Commands on containers that are there. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { replyJson } from '../testing/fake-daemon.ts';
import { empty, fails, frame, type Routes, withDaemon } from '../testing/scripted-daemon.ts';

test('commands over several names do what they can, in order, and say what failed', async () => {
  const routes: Routes = {
    'POST /containers/a/stop': (response) => setTimeout(() => empty(response), 20),
    'POST /containers/b/stop': fails(404, 'No such container: b'),
    'POST /containers/c/stop': (response) => response.writeHead(304).end(),
  };
  await withDaemon(routes, async (run, daemon) => {
    const { exitCode, stdout, stderr } = await run('container stop -t 5 --signal INT a b c');
    assert.deepEqual([exitCode, stdout], [1, 'a\nc\n']);
    assert.equal(stderr, 'Error response from daemon: No such container: b\n');
    assert.deepEqual(daemon.requests[0]!.query, { signal: 'INT', t: '5' });
  });
});

test('small commands ask for what their flags say', async () => {
  const cases: [line: string, request: string, query: object, stdout: string][] = [
    ['kill -s HUP a', 'POST /containers/a/kill', { signal: 'HUP' }, 'a\n'],
    ['kill a', 'POST /containers/a/kill', {}, 'a\n'],
    ['restart --time 0 a', 'POST /containers/a/restart', { t: '0' }, 'a\n'],
    ['rm -fv /a', 'DELETE /containers/a', { force: '1', v: '1' }, '/a\n'],
    ['container rm -l a', 'DELETE /containers/a', { link: '1' }, 'a\n'],
    ['start a', 'POST /containers/a/start', {}, 'a\n'],
    ['tag x repo:5000/y:2', 'POST /images/x/tag', { repo: 'repo:5000/y', tag: '2' }, ''],
    ['image tag a/b:1 y', 'POST /images/a/b%3A1/tag', { repo: 'y', tag: 'latest' }, ''],
  ];
  for (const [line, request, query, stdout] of cases) {
    await withDaemon({ [request]: empty }, async (run, daemon) => {
      const outcome = await run(line);
      assert.deepEqual(outcome, { exitCode: 0, stdout, stderr: '' }, line);
      assert.deepEqual(daemon.requests[0]!.query, query, line);
    });
  }
});

test('logs go to the stream they came from; a TTY has one', async () => {
  const routes: Routes = {
    'GET /containers/a/logs': (response) => {
      response.setHeader('Content-Type', 'application/vnd.docker.multiplexed-stream');
      response.end(Buffer.concat([frame(1, 'out\n'), frame(2, 'err\n')]));
    },
    'GET /containers/t/logs': (response) => {
      response.setHeader('Content-Type', 'application/vnd.docker.raw-stream');
      response.end('raw\r\n');
    },
    'GET /containers/t/json': (response) => replyJson(response, 200, { Config: { Tty: true } }),
  };
  await withDaemon(routes, async (run, daemon) => {
    assert.deepEqual(await run('logs -ft -n 5 --since 2026-01-02T03:04:05.5Z --until 10 a'), {
      exitCode: 0,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    const query = {
      stdout: '1',
      stderr: '1',
      follow: '1',
      timestamps: '1',
      tail: '5',
      since: '1767323045.500000000',
      until: '10',
    };
    assert.deepEqual(daemon.requests[0]!.query, query);
    assert.deepEqual(await run('logs t'), { exitCode: 0, stdout: 'raw\r\n', stderr: '' });
  });
});

test('attach refuses a container that does not run', async () => {
  const state = (fields: object) => (response: ServerResponse) =>
    replyJson(response, 200, { Id: 'a', State: { Running: true, ...fields }, Config: {} });
  const cases: [fields: object, message: RegExp][] = [
    [{ Running: false }, /attach to a stopped container/],
    [{ Paused: true }, /attach to a paused container/],
    [{ Restarting: true }, /attach to a restarting container/],
  ];
  for (const [fields, message] of cases) {
    await withDaemon({ 'GET /containers/a/json': state(fields) }, async (run) => {
      const { exitCode, stderr } = await run('attach a');
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
    });
  }
});

test('wait prints exit codes', async () => {
  const routes: Routes = {
    'POST /containers/a/wait': (response) => replyJson(response, 200, { StatusCode: 0 }),
    'POST /containers/b/wait': (response) => replyJson(response, 200, { StatusCode: 137 }),
  };
  await withDaemon(routes, async (run) => assert.equal((await run('wait a b')).stdout, '0\n137\n'));
});

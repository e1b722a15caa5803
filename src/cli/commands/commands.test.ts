/** Whole command lines against a daemon that writes down what it is asked. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import {
  type FakeDaemon,
  type FakeDaemonOptions,
  type Recorded,
  replyJson,
  startFakeDaemon,
} from '../testing/fake-daemon.ts';
import { type Outcome, runInMemory } from '../testing/memory-context.ts';

type Routes = Record<string, (response: ServerResponse, request: Recorded) => void>;

const empty = (response: ServerResponse) => response.writeHead(204).end();
const created = (response: ServerResponse) => replyJson(response, 201, { Id: 'c0ffee', Warnings: ['be warned'] });
const fails = (status: number, message: string) => (response: ServerResponse) =>
  replyJson(response, status, { message });

async function withDaemon(
  routes: Routes,
  body: (run: (line: string, stdin?: string | PassThrough) => Promise<Outcome>, daemon: FakeDaemon) => Promise<void>,
  upgrade?: FakeDaemonOptions['upgrade'],
): Promise<void> {
  const reply = (request: Recorded, response: ServerResponse) => {
    const route = routes[`${request.method} ${request.path}`];
    if (route) route(response, request);
    else replyJson(response, 404, { message: `no answer to ${request.method} ${request.path}` });
  };
  const daemon = await startFakeDaemon({ reply, upgrade });
  try {
    await body((line, stdin) => runInMemory(line.split(' '), { host: daemon.host, stdin }), daemon);
  } finally {
    await daemon.close();
  }
}

const asked = (daemon: FakeDaemon) => daemon.requests.map(({ method, path }) => `${method} ${path}`);

const frame = (kind: number, text: string) => {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = kind;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
};

const hijacked = (socket: Duplex) =>
  socket.write(
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );

/** A container that prints, and exits with `code` when it is told to. */
function container(code: number) {
  let waiting: ServerResponse | undefined;
  const exit = () => waiting?.end(JSON.stringify({ StatusCode: code }));
  const routes: Routes = {
    'POST /containers/create': created,
    'POST /containers/c0ffee/wait': (response) => {
      waiting = response;
      response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    },
  };
  return { routes, exit };
}

test('run attaches, waits, then starts; its outputs and exit code are the container’s', async () => {
  const { routes, exit } = container(3);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = (response) => {
    empty(response);
    stream!.write(Buffer.concat([frame(1, 'to stdout\n'), frame(2, 'to stderr\n')]));
    stream!.end();
    exit();
  };
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
  };
  await withDaemon(
    routes,
    async (run, daemon) => {
      const { exitCode, stdout, stderr } = await run('run --rm busybox false');
      assert.deepEqual([exitCode, stdout, stderr], [3, 'to stdout\n', 'WARNING: be warned\nto stderr\n']);
      assert.deepEqual(asked(daemon), [
        'POST /containers/create',
        'POST /containers/c0ffee/attach',
        'POST /containers/c0ffee/wait',
        'POST /containers/c0ffee/start',
      ]);
      assert.deepEqual(daemon.requests[1]!.query, { stream: '1', stdout: '1', stderr: '1' });
      assert.deepEqual(daemon.requests[2]!.query, { condition: 'removed' });
    },
    upgrade,
  );
});

test('run -i sends standard input, and its end closes the container’s only', async () => {
  const { routes, exit } = container(0);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = empty;
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
    let bytes = 0;
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    socket.on('end', () => {
      stream!.end(frame(1, `${bytes} bytes`));
      exit();
    });
  };
  await withDaemon(
    routes,
    async (run, daemon) => {
      const { exitCode, stdout } = await run('run -i busybox cat', 'x'.repeat(3_000_000));
      assert.deepEqual([exitCode, stdout], [0, '3000000 bytes']);
      assert.equal(daemon.requests[1]!.query.stdin, '1');
    },
    upgrade,
  );
});

test('run ends with the container although standard input stays open', async () => {
  const { routes, exit } = container(9);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = (response) => {
    empty(response);
    stream!.end();
    exit();
  };
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
  };
  await withDaemon(
    routes,
    async (run) => assert.equal((await run('run -i busybox true', new PassThrough())).exitCode, 9),
    upgrade,
  );
});

test('a container that cannot start: docker’s exit codes', async () => {
  const cases: [message: string, code: number][] = [
    ['exec: "x": executable file not found in $PATH', 127],
    ['exec: "/x": stat /x: no such file or directory', 127],
    ['exec: "/x": permission denied', 126],
    ['exec: "/": is a directory', 126],
    ['something else', 125],
  ];
  for (const [message, code] of cases) {
    const { routes } = container(0);
    routes['POST /containers/c0ffee/start'] = fails(400, message);
    await withDaemon(
      routes,
      async (run) => {
        const { exitCode, stderr } = await run('run busybox x');
        assert.equal(exitCode, code, message);
        assert.ok(stderr.endsWith(`wherry: Error response from daemon: ${message}\n`), stderr);
      },
      (_request, socket) => hijacked(socket),
    );
  }
});

test('run -d starts and prints the id', async () => {
  const routes: Routes = { 'POST /containers/create': created, 'POST /containers/c0ffee/start': empty };
  await withDaemon(routes, async (run, daemon) => {
    const { exitCode, stdout } = await run('run -d busybox sleep 1');
    assert.deepEqual([exitCode, stdout], [0, 'c0ffee\n']);
    const spec = JSON.parse(daemon.requests[0]!.body);
    assert.deepEqual([spec.AttachStdin, spec.AttachStdout, spec.AttachStderr], [false, false, false]);
  });
  await withDaemon(routes, async (run, daemon) => {
    assert.equal((await run('run -d -a stdout busybox')).exitCode, 125);
    assert.equal((await run('run -it busybox')).stderr.split('\n')[0], 'the input device is not a TTY');
    assert.deepEqual(asked(daemon), []);
  });
});

test('a missing image is pulled once, and the container made then', async () => {
  let pulled = false;
  const routes: Routes = {
    'POST /containers/create': (response) =>
      pulled ? created(response) : replyJson(response, 404, { message: 'No such image: repo/x:1' }),
    'POST /images/create': (response) => {
      pulled = true;
      response.write(
        '{"status":"Pulling from repo/x","id":"1"}\r\n{"status":"Downloading","progressDetail":{"current":1,"total":2},"progress":"[>]","id":"a"}\r\n',
      );
      response.end('{"status":"Pull complete","id":"a"}\r\n');
    },
  };
  await withDaemon(routes, async (run, daemon) => {
    const { exitCode, stdout, stderr } = await run('create repo/x:1');
    assert.deepEqual([exitCode, stdout], [0, 'c0ffee\n']);
    assert.equal(
      stderr,
      "Unable to find image 'repo/x:1' locally\n1: Pulling from repo/x\na: Pull complete\nWARNING: be warned\n",
    );
    assert.deepEqual(daemon.requests[1]!.query, { fromImage: 'repo/x', tag: '1' });
  });
});

test('a daemon that cannot pull says so', async () => {
  const routes: Routes = {
    'POST /containers/create': fails(404, 'No such image: x:latest'),
    'POST /images/create': fails(501, 'pulling is not in this release'),
  };
  await withDaemon(routes, async (run) => {
    const { exitCode, stderr } = await run('run x');
    assert.equal(exitCode, 125);
    assert.equal(
      stderr,
      "Unable to find image 'x:latest' locally\nwherry: Error response from daemon: pulling is not in this release\n",
    );
    assert.match((await run('run --pull never x')).stderr, /No such image: x:latest/);
  });
});

test('the id file: written, refused when it exists, gone when there is no container', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-cid-'));
  const path = join(folder, 'cid');
  await withDaemon({ 'POST /containers/create': created }, async (run, daemon) => {
    assert.equal((await run(`create --cidfile ${path} busybox`)).exitCode, 0);
    assert.equal(await readFile(path, 'utf8'), 'c0ffee');
    assert.equal((await run(`create --cidfile ${path} busybox`)).exitCode, 125);
    assert.equal(daemon.requests.length, 1);
  });
  await rm(path);
  await withDaemon({ 'POST /containers/create': fails(409, 'Conflict') }, async (run) => {
    await run(`create --cidfile ${path} busybox`);
    await assert.rejects(access(path));
  });
  await rm(folder, { recursive: true });
});

test('load sends the archive as it is and shows what was loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-load-'));
  const archive = Buffer.alloc(3_000_000, 'tar').toString();
  await writeFile(join(folder, 'a.tar'), archive);
  const routes: Routes = {
    'POST /images/load': (response) =>
      response.end('{"stream":"Loaded image: a:1\\n"}\n{"stream":"Loaded image: b:1\\n"}\n'),
  };
  await withDaemon(routes, async (run, daemon) => {
    const fromFile = await run(`load -i ${folder}/a.tar`);
    const fromStdin = await run('image load', archive);
    for (const { exitCode, stdout } of [fromFile, fromStdin]) {
      assert.deepEqual([exitCode, stdout], [0, 'Loaded image: a:1\nLoaded image: b:1\n']);
    }
    for (const { body, query, headers } of daemon.requests) {
      assert.equal(body, archive);
      assert.equal(query.quiet, '1', 'no progress where nobody watches');
      assert.equal(headers['content-type'], 'application/x-tar');
    }
  });
  await rm(folder, { recursive: true });
});

test('an error inside a stream is the outcome', async () => {
  const answer = (response: ServerResponse) =>
    response.end('{"stream":"one\\n"}\n{"errorDetail":{"message":"bad archive"},"error":"bad archive"}\n');
  await withDaemon({ 'POST /images/load': answer }, async (run) => {
    const { exitCode, stdout, stderr } = await run('load', 'x');
    assert.deepEqual([exitCode, stdout, stderr], [1, 'one\n', 'bad archive\n']);
  });
});

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

test('images --tree shows the platforms of what each image came with', async () => {
  const platform = (architecture: string, here: boolean) => ({
    ID: `sha256:${architecture}${'0'.repeat(20)}`,
    Available: here,
    Size: { Content: here ? 2_000_000 : 0, Total: here ? 2_500_000 : 0 },
    Kind: 'image',
    ImageData: { Platform: { os: 'linux', architecture }, Containers: here ? ['c'] : [], Size: { Unpacked: 0 } },
  });
  const Manifests = [platform('amd64', true), platform('arm64', false), { Kind: 'attestation', Available: false }];
  const images = [
    { Id: `sha256:${'a'.repeat(64)}`, RepoTags: ['app:1', 'app:2'], Size: 3_000_000, Manifests },
    { Id: `sha256:${'b'.repeat(64)}`, RepoTags: [], Size: 1500 },
  ];
  await withDaemon({ 'GET /images/json': (response) => replyJson(response, 200, images) }, async (run, daemon) => {
    const { stdout } = await run('images --tree');
    assert.deepEqual(
      stdout.split('\n').map((line) => line.trimEnd().split(/ {2,}/)),
      [
        ['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'IN USE'],
        ['app:1', 'aaaaaaaaaaaa', '2.5MB', '2MB', 'yes'],
        ['app:2'],
        ['├─ linux/amd64', 'amd640000000', '2.5MB', '2MB', 'yes'],
        ['└─ linux/arm64', 'arm640000000', '0B', '0B'],
        ['<untagged>', 'bbbbbbbbbbbb', '1.5kB', '1.5kB'],
        [''],
      ],
    );
    assert.equal(daemon.requests[0]!.query.manifests, '1');
    assert.match((await run('images --tree -q')).stderr, /--quiet is not yet supported with --tree/);
  });
});

test('rmi shows what it removed; a name that is not there fails, but not with -f', async () => {
  const routes: Routes = {
    'DELETE /images/a': (response) => replyJson(response, 200, [{ Untagged: 'a:latest' }, { Deleted: 'sha256:1' }]),
    'DELETE /images/b': fails(404, 'No such image: b:latest'),
  };
  await withDaemon(routes, async (run) => {
    const removed = await run('rmi a b');
    assert.deepEqual([removed.exitCode, removed.stdout], [1, 'Untagged: a:latest\nDeleted: sha256:1\n']);
    assert.equal((await run('rmi -f b')).exitCode, 0);
  });
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

test('what is no command says what it is', async () => {
  const cases: [line: string, message: RegExp, code: number][] = [
    ['frob', /'frob' is not a wherry command/, 1],
    ['build .', /docker has the command 'build', this release of wherry does not yet/, 1],
    ['buildx ls', /docker has the command 'buildx'/, 1],
    ['swarm init', /wherry leaves it out/, 1],
    ['ps --nonsense', /^unknown flag: --nonsense\nSee 'wherry ps --help'\.\n$/, 125],
    ['start', /^"wherry start" requires at least 1 argument\.\n\nUsage: {2}wherry start \[OPTIONS\] CONTAINER/, 1],
    ['tag x', /requires exactly 2 arguments/, 1],
    ['ps x', /accepts no arguments/, 1],
  ];
  for (const [line, message, code] of cases) {
    const { exitCode, stderr } = await runInMemory(line.split(' '));
    assert.match(stderr, message, line);
    assert.equal(exitCode, code, line);
  }
});

test('every command has a help text that names its flags', async () => {
  const { commandTable } = await import('../command-table.ts');
  for (const { names, load } of commandTable) {
    const { command } = await load();
    for (const name of names) {
      const { exitCode, stdout } = await runInMemory([...name.split(' '), '--help']);
      assert.equal(exitCode, 0, name);
      assert.ok(stdout.startsWith(`\nUsage:  wherry ${names[0]} ${command.usage}`.trimEnd()), stdout);
      for (const [flag, { hidden }] of Object.entries(command.flags))
        if (!hidden) assert.ok(stdout.includes(`--${flag}`), flag);
    }
  }
  assert.match((await runInMemory([])).stdout, /Commands:/);
  assert.match((await runInMemory(['image', '--help'])).stdout, /wherry image COMMAND/);
});

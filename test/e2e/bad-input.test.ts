/** What cannot be done is refused in dockerd's words, and leaves nothing behind: no file, mount, namespace or row. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { footprintAtRest, untilFootprint } from '#test/support/footprint.ts';
import { words } from '#test/support/words.ts';
import { badCreates, badRequests } from './bad-requests.ts';

let daemon: TestDaemon;
let atRest: string[];

before(async () => {
  daemon = await startDaemon();
  await daemon.ok(words`volume create gone`);
  await daemon.ok(words`volume rm gone`); // from the first removal on there is a folder for what is being deleted
  await daemon.ok(words`create --name created busybox true`);
  await daemon.ok(words`run --name ended busybox true`);
  await daemon.ok(words`run -d --name running busybox sleep 1000`);
  atRest = await footprintAtRest(daemon);
});
after(() => daemon.close());

const isAsSaid = ({ status, message }: Answer, expected: { status: number; message: RegExp }) => {
  assert.equal(status, expected.status, message);
  assert.match(message, expected.message);
};

async function nothingIsLeft(): Promise<void> {
  assert.equal(await daemon.ok(words`ps -a --format {{.Names}}`), 'running\nended\ncreated');
  await untilFootprint(daemon, atRest);
}

test('requests about what is not there, is otherwise, or cannot be understood', async () => {
  for (const { method, path, ...expected } of badRequests) {
    const answer = await ask(daemon.socket, method, path);
    assert.equal(answer.status, expected.status, `${method} ${path}: ${answer.message}`);
    assert.match(answer.message, expected.message, `${method} ${path}`);
  }
  await nothingIsLeft();
});

describe('a container that cannot be', () => {
  for (const { what, body, query, ...expected } of badCreates) {
    test(what, async () => {
      const whole = { Image: 'busybox', Cmd: ['true'], ...body };
      isAsSaid(await ask(daemon.socket, 'POST', `/containers/create${query ?? ''}`, whole), expected);
    });
  }

  test('leaves nothing', () => nothingIsLeft());
});

test('bodies that are no JSON, of the wrong kind, or missing', async () => {
  const create = (body?: string, type?: string) => ask(daemon.socket, 'POST', '/containers/create', body, type);
  isAsSaid(await create('{"Image": "busybox"'), { status: 400, message: /^invalid JSON: / });
  isAsSaid(await create('{"Image": }'), {
    status: 400,
    message: /^invalid JSON: /,
  });
  isAsSaid(await create('[]'), { status: 400, message: /config cannot be empty|cannot unmarshal array/ });
  isAsSaid(await create('{} {}'), { status: 400, message: /JSON/ });
  isAsSaid(await create('Image=busybox', 'application/x-www-form-urlencoded'), {
    status: 400,
    message: /unsupported Content-Type|application\/json/,
  });
  isAsSaid(await create(), { status: 400, message: /EOF|[Cc]ontent-Type|empty/ });
  await nothingIsLeft();
});

describe('a container that does not start', () => {
  const cases: [what: string, args: string[], code: number, stderr: RegExp][] = [
    [
      'missing program',
      words`busybox no-such-program`,
      127,
      /exec: "no-such-program": executable file not found in \$PATH/,
    ],
    [
      'missing program with a path',
      words`busybox /no/such/program`,
      127,
      /exec: "?\/no\/such\/program"?: (stat|no such file)/,
    ],
    ['program that is a folder', words`busybox /etc`, 126, /exec: "?\/etc"?: (is a directory|permission denied)/],
    ['program that is not executable', words`busybox /etc/passwd`, 126, /exec: "?\/etc\/passwd"?: permission denied/],
    [
      'unknown user',
      words`-u nobody-knows busybox true`,
      125,
      /unable to find user nobody-knows: no matching entries in passwd file/,
    ],
    [
      'unknown group',
      words`-u 0:nobody-knows busybox true`,
      125,
      /unable to find group nobody-knows: no matching entries in group file/,
    ],
    ['working directory in a file', words`-w /etc/passwd busybox true`, 125, /not a directory/],
    [
      'device that is not there',
      words`--device /dev/nothing busybox true`,
      127,
      /error gathering device information while adding custom device "\/dev\/nothing": no such file or directory/,
    ],
    [
      'missing bind',
      words`--mount type=bind,src=/no/such/path,dst=/x busybox true`,
      125,
      /bind source path does not exist: \/no\/such\/path/,
    ],
    ['port in use', words`-p 8080:80 -p 8080:81 busybox true`, 125, /port is already allocated/],
    ['unknown network', words`--network nothing busybox true`, 125, /network nothing not found/],
    ['network of nobody', words`--network container:nobody busybox true`, 125, /No such container: nobody/],
    ['processes of one that does not run', words`--pid container:ended busybox true`, 125, /not running/],
    ['impossible sysctl', words`--sysctl kernel.nothing=1 busybox true`, 125, /kernel\.nothing/],
  ];
  for (const [what, args, code, stderr] of cases) {
    test(what, async () => {
      const ran = await daemon.docker(['run', '--rm', '-v', '/anonymous', ...args]);
      assert.match(ran.stderr, stderr);
      assert.equal(ran.code, code, ran.stderr);
    });
  }

  test('leaves nothing', async () => {
    await nothingIsLeft();
    assert.equal(await daemon.ok(words`volume ls -q`), '');
  });

  test('keeps why, can be started again, and be removed', async () => {
    const { code } = await daemon.docker(words`run --name failed busybox no-such-program`);
    assert.equal(code, 127);
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}';
    for (let round = 0; round < 3; round++) {
      assert.match(
        await daemon.ok(words`inspect -f ${format} failed`),
        /^created 127 .*executable file not found in \$PATH/,
      );
      assert.match((await daemon.docker(words`start failed`)).stderr, /executable file not found in \$PATH/);
    }
    await daemon.ok(words`rm failed`);
    await nothingIsLeft();
  });
});

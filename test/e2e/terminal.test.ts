/** `run -it`, `attach` and their keys, on a real terminal. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { debianArchive } from '#test/support/images.ts';
import { openTerminal, type Terminal } from '#test/support/terminal.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
  await daemon.ok(['load', '-q', '-i', await debianArchive()]);
});
after(() => daemon.close());
afterEach(() => daemon.removeContainers());

const PROMPT = /root@[0-9a-f]{12}:\/# $/;
const PROGRAMS = { docker: 'docker', wherry: join(import.meta.dirname, '../../bin/wherry') };

/**
 * Asks the shell for the window's size until it is the new one. docker's client misses a change while it waits for the
 * reply to the first size. A shell prompts anew when the window changes, so the answers are counted, not the prompts.
 */
async function changeSize(terminal: Terminal, rows: number, columns: number): Promise<void> {
  for (let round = 1, shown = ''; !shown.includes(`\n${rows} ${columns}\r\n`); round++) {
    terminal.resize(rows, columns);
    terminal.type(`stty size; echo round-$((${round}))\r`);
    shown = await terminal.until(new RegExp(`\\nround-${round}\\r\\n`));
    await terminal.until(PROMPT);
  }
}

for (const client of ['docker', 'wherry'] as const) describe(`with ${client}`, () => flows(client));

function flows(client: 'docker' | 'wherry') {
  const open = (...args: string[]): Terminal =>
    openTerminal([PROGRAMS[client], '-H', daemon.host, ...args], { ...process.env, DOCKER_CONFIG: daemon.folder });

  test('bash prompts, echoes, knows the size of the window, and gives its code', async () => {
    const terminal = open('run', '-it', '-e', 'TERM=dumb', '--rm', 'debian:trixie');
    await terminal.until(PROMPT);
    terminal.type('stty size; tty\r');
    const shown = await terminal.until(PROMPT);
    assert.match(shown, /^stty size; tty\r\n/);
    assert.match(shown, /\n24 80\r\n\/dev\/pts\/0\r\n/);
    await changeSize(terminal, 40, 132);
    terminal.type('exit 7\r');
    assert.equal(await terminal.ended, 7);
    assert.equal(await daemon.ok(['ps', '-aq']), '');
  });

  test('ctrl-c interrupts what runs in the foreground and nothing else', async () => {
    const terminal = open('run', '-it', '-e', 'TERM=dumb', '--rm', 'debian:trixie');
    await terminal.until(PROMPT);
    terminal.type(`sh -c 'trap "echo got it; exit 3" INT; echo waiting; while :; do sleep 0.05; done'\r`);
    await terminal.until(/\nwaiting\r\n/);
    terminal.type('\x03');
    assert.match(await terminal.until(PROMPT), /got it\r\n/);
    terminal.type('echo $?\r');
    assert.match(await terminal.until(PROMPT), /\n3\r\n/);
    terminal.type('\x04');
    assert.equal(await terminal.ended, 0);
  });

  test('ctrl-p ctrl-q detaches; attach goes on with the same shell', async () => {
    const terminal = open('run', '-it', '-e', 'TERM=dumb', '--name', 'shell', 'debian:trixie');
    await terminal.until(PROMPT);
    terminal.type('X=kept\r');
    await terminal.until(PROMPT);
    terminal.type('\x10\x11');
    assert.equal(await terminal.ended, 0);
    assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Running}}', 'shell']), 'true');
    const again = open('attach', 'shell');
    again.type('echo "<$X>"\r');
    await again.until(/<kept>\r\n/);
    again.type('\x10');
    again.type('\x11');
    await again.ended;
    const other = open('attach', '--detach-keys', 'ctrl-x,x', 'shell');
    other.type('echo a\x10\x11b; exit 5\r'); // not the keys of this session: they reach the shell
    assert.equal(await other.ended, 5);
    assert.equal(await daemon.ok(['inspect', '-f', '{{.State.ExitCode}}', 'shell']), '5');
    await daemon.ok(['rm', 'shell']);
  });

  test('two terminals on one container see the same', async () => {
    const first = open('run', '-it', '-e', 'TERM=dumb', '--rm', '--name', 'both', 'debian:trixie');
    await first.until(PROMPT);
    const second = open('attach', 'both');
    second.type('echo from-$((1+1))\r');
    await second.until(/from-2\r\n/);
    await first.until(/from-2\r\n/);
    first.type('exit\r');
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [0, 0]);
  });

  test('start -ai shows what is printed from the first byte on', async () => {
    await daemon.ok([
      'create',
      '-t',
      '-i',
      '--name',
      'short',
      'busybox',
      'sh',
      '-c',
      'echo first; read x; echo "<$x>"',
    ]);
    for (let round = 0; round < 3; round++) {
      const terminal = open('start', '-ai', 'short');
      assert.match(await terminal.until(/first\r\n/), /^first\r\n/);
      terminal.type('typed\r');
      assert.match(await terminal.until(/<typed>\r\n/), /^typed\r\n/);
      assert.equal(await terminal.ended, 0);
    }
    await daemon.ok(['rm', 'short']);
  });

  test('exec -it is a shell of its own, follows the window, and is left with the keys', async () => {
    await daemon.ok(['run', '-d', '--name', 'box', '-e', 'TERM=dumb', 'debian:trixie', 'sleep', '100000']);
    const terminal = open('exec', '-it', '-e', 'TERM=dumb', 'box', 'bash');
    await terminal.until(PROMPT);
    terminal.type('echo $$; stty size\r');
    assert.match(await terminal.until(PROMPT), /\n24 80\r\n/);
    await changeSize(terminal, 40, 132);
    // Ctrl-C drops the typed line that the shell has not read yet: wait for what its child says.
    terminal.type("sh -c 'echo now-$((1+1)); exec sleep 1000'\r");
    await terminal.until(/now-2\r\n/);
    terminal.type('\x03');
    await terminal.until(PROMPT);
    terminal.type('exit 7\r');
    assert.equal(await terminal.ended, 7);
    const left = open('exec', '-it', '--detach-keys', 'ctrl-x,x', 'box', 'sh', '-c', 'echo here; exec sleep 1000');
    await left.until(/here\r\n/);
    left.type('\x18x');
    await left.ended;
    assert.notEqual(await daemon.ok(['inspect', '-f', '{{.ExecIDs}}', 'box']), '[]', 'it goes on');
    await daemon.ok(['rm', '-f', 'box']);
  });

  test('a terminal is refused where stdin is none', async () => {
    const { code, stderr } = await daemon[client](['run', '--rm', '-it', 'busybox', 'true']);
    assert.notEqual(code, 0);
    assert.match(stderr, /the input device is not a TTY/);
  });
}

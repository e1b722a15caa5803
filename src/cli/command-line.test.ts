import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandTable } from './command-table.ts';
import { runInMemory } from './testing/memory-context.ts';

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

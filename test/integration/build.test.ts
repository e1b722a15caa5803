import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

const repository = join(import.meta.dirname, '../..');
const tree = mkdtempSync(join(tmpdir(), 'wherry-build-'));

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const cache = { NODE_COMPILE_CACHE: join(tree, 'cache') };
  return (await promisify(execFile)(program, args, { env: { ...process.env, ...cache, ...env } })).stdout;
}
const build = () => run(process.execPath, ['--disable-warning=ExperimentalWarning', join(tree, 'scripts/build.ts')]);
const wherry = (env = {}) => run(join(tree, 'bin/wherry'), ['--help'], env);

const current = () => JSON.parse(readFileSync(join(tree, '.cache/build/current.json'), 'utf8')) as { folder: string };
const built = (name: string) => join(tree, '.cache/build', current().folder, name);
const source = () => wherry({ WHERRY_FROM_SOURCE: '1' });

before(async () => {
  for (const name of ['src', 'scripts', 'bin', 'package.json', 'package-lock.json']) {
    cpSync(join(repository, name), join(tree, name), { recursive: true });
  }
  for (const name of ['node_modules', 'native']) symlinkSync(join(repository, name), join(tree, name));
  await build();
});
after(() => rmSync(tree, { recursive: true }));

test('the built form does what the sources do', async () => {
  assert.equal(await wherry(), await source());
  assert.match(await run(join(tree, 'bin/wherryd'), ['--version']), /^wherry version /);
});

test('the built form runs as long as it is that of the sources', async () => {
  writeFileSync(built('cli.main.js'), 'console.log("built")');
  const { folder } = current();
  await build();
  assert.equal(current().folder, folder, 'nothing has changed');
  assert.equal(await wherry(), 'built\n');
  assert.notEqual(await source(), 'built\n');
  utimesSync(join(tree, 'src/daemon/create/create.ts'), 1, 1);
  assert.equal(await wherry(), 'built\n', 'the client has nothing of that');
  utimesSync(join(tree, 'src/cli/main.ts'), 1, 1);
  assert.equal(await wherry(), await source());
});

test('a new build leaves the one in use, and not many more', async () => {
  const { folder } = current();
  for (const old of 'abcdefg') {
    mkdirSync(join(tree, '.cache/build', old));
    utimesSync(join(tree, '.cache/build', old), 1, 1);
  }
  utimesSync(join(tree, 'src/wherryd.ts'), 2, 2);
  await build();
  const left = readdirSync(join(tree, '.cache/build'));
  assert.equal(left.length, 5 + 1);
  assert.ok(left.includes(folder) && left.includes(current().folder));
  assert.equal(await wherry(), await source());
});

test('without a build, and with one that cannot be read, the sources run', async () => {
  writeFileSync(join(tree, '.cache/build/current.json'), '{');
  assert.equal(await wherry(), await source());
  rmSync(join(tree, '.cache/build'), { recursive: true });
  assert.equal(await wherry(), await source());
});

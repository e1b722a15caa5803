/**
 * Makes `.cache/build/<id>/` of src/: each program and each worker in a file, with what they share in further ones, and
 * `current.json`, which tells bin/start.mjs where they are and of which files they were made. Does nothing when that is so already.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const builds = join(root, '.cache/build');
const current = join(builds, 'current.json');
const PROGRAMS = ['src/wherryd.ts', 'src/cli/main.ts'];
/** How many builds stay: a running engine starts its workers from the one that it came from. */
const KEPT = 5;

/** A path from the root, as time in ms and size in bytes tell its content. */
type Input = [path: string, time: number, size: number];
interface Current {
  folder: string;
  programs: Record<string, { file: string; inputs: Input[] }>;
}

/** `new URL('./worker.ts', import.meta.url)`, and the same of the file itself: how workers are named. */
const WORKER = /new URL\((?:'(\.[^']*\.ts)', )?import\.meta\.url\)/g;
const OTHER_FILE = /new URL\('(\.[^']*)', import\.meta\.url\)/g;

const sources = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => join('src', path))
  .toSorted();

/** All built files lie in one folder. */
const fileOf = (source: string) => `${relative('src', source).replaceAll('/', '.').slice(0, -'.ts'.length)}.js`;

function workersOf(source: string): string[] {
  const text = readFileSync(join(root, source), 'utf8');
  return [...text.matchAll(WORKER)].map(([, path]) => (path ? join(dirname(source), path) : source));
}

/** What names a file beside the source names it from the built file, too. */
function moved(source: string): string {
  const up = '../../../';
  const text = readFileSync(join(root, source), 'utf8');
  const other = text.replace(WORKER, '').replace(OTHER_FILE, '').replaceAll('import.meta.dirname', '');
  if (other.includes('import.meta'))
    throw new Error(`${source} uses import.meta in a way that the build does not know`);
  return text
    .replace(
      WORKER,
      (_, path?: string) => `new URL('./${fileOf(path ? join(dirname(source), path) : source)}', import.meta.url)`,
    )
    .replace(OTHER_FILE, (whole, path: string) =>
      path.endsWith('.js') ? whole : `new URL('${up}${posix.join(dirname(source), path)}', import.meta.url)`,
    )
    .replaceAll('import.meta.dirname', `(import.meta.dirname + '/${up}${dirname(source)}')`);
}

/** Node's own modules are loaded when something of them is first used: many are for what most runs never do. */
function lazyBuiltin(name: string): string {
  const keys = Object.keys(process.getBuiltinModule(name) as object);
  const getters = keys.map((key) => `get ${key}() { return load().${key}; },`);
  return `let it; const load = () => (it ??= process.getBuiltinModule('${name}'));\nmodule.exports = {${getters.join('\n')}};`;
}

const plugin: Plugin = {
  name: 'wherry',
  setup({ onResolve, onLoad }) {
    // A package may name them without `node:`.
    onResolve({ filter: /^[a-z][\w:/]*$/ }, ({ path, kind }) => {
      if (kind === 'dynamic-import') return undefined;
      if (!builtinModules.includes(path.slice('node:'.length)) && !builtinModules.includes(path)) return undefined;
      return { path, namespace: 'builtin' };
    });
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({ contents: lazyBuiltin(path), loader: 'js' }));
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({ contents: moved(relative(root, path)), loader: 'ts' }));
  },
};

function inputsOf(paths: Iterable<string>): Input[] {
  return [...paths].map((path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    return [path, mtimeMs, size];
  });
}

/** All that a program may come to import or start. */
function reachable(outputs: Metafile['outputs'], program: string, folder: string): Set<string> {
  const inputs = new Set<string>();
  const seen = new Set<string>();
  const waiting = [join(folder, fileOf(program))];
  for (let output = waiting.pop(); output !== undefined; output = waiting.pop()) {
    const built = outputs[output];
    if (seen.has(output) || !built) continue;
    seen.add(output);
    for (const input of Object.keys(built.inputs)) {
      if (input.startsWith('builtin:')) continue;
      inputs.add(input);
      if (input.startsWith('src/')) waiting.push(...workersOf(input).map((worker) => join(folder, fileOf(worker))));
    }
    waiting.push(...built.imports.map(({ path }) => path));
  }
  return inputs;
}

function isCurrent(id: string): boolean {
  return existsSync(current) && (JSON.parse(readFileSync(current, 'utf8')) as Current).folder === id;
}

function removeOldBuilds(): void {
  const folders = readdirSync(builds, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const byAge = folders.map(({ name }) => ({ name, time: statSync(join(builds, name)).mtimeMs }));
  for (const { name } of byAge.toSorted((a, b) => b.time - a.time).slice(KEPT))
    rmSync(join(builds, name), { recursive: true });
}

/** The same files, untouched since, give the same name. */
const common = ['package.json', 'package-lock.json', 'scripts/build.ts'];
const id = createHash('sha256')
  .update(JSON.stringify(inputsOf([...sources, ...common])))
  .digest('hex')
  .slice(0, 16);
if (!isCurrent(id)) {
  const folder = join('.cache/build', id);
  const entries = [...new Set([...PROGRAMS, ...sources.flatMap(workersOf)])];
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries.map((source) => [fileOf(source).slice(0, -'.js'.length), source])),
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    metafile: true,
    logLevel: 'error',
    plugins: [plugin],
  });
  const programs = PROGRAMS.map((source) => {
    const inputs = inputsOf([...reachable(metafile.outputs, source, folder), ...common]);
    return [source, { file: fileOf(source), inputs }];
  });
  mkdirSync(builds, { recursive: true });
  const draft = `${current}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ folder: id, programs: Object.fromEntries(programs) } satisfies Current));
  renameSync(draft, current);
  removeOldBuilds();
}

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

/** room -> floor, read from the table in ARCHITECTURE.md; rooms `beside` may use only floor 0 and each other. */
function readFloors(): { floors: Map<string, number>; beside: Set<string>; sideways: Set<string> } {
  const floors = new Map<string, number>();
  const beside = new Set<string>();
  const sideways = new Set<string>();
  for (const line of readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').split('\n')) {
    const floor = /^\| (\d+|beside) \| ([a-z/ -]+?) \|/.exec(line);
    if (floor) {
      for (const room of floor[2]!.trim().split(/\s+/)) {
        if (floor[1] === 'beside') beside.add(room);
        else floors.set(room, Number(floor[1]));
      }
    }
    for (const edge of line.matchAll(/`([a-z/]+) -> ([a-z/]+)`/g)) sideways.add(`${edge[1]} -> ${edge[2]}`);
  }
  return { floors, beside, sideways };
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function roomOf(file: string): string {
  const parts = relative(join(root, 'src'), file).split('/');
  if (parts.length === 1) return 'entry';
  return parts[0] === 'api' ? `api/${parts[1]}` : parts[0]!;
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]/g)]
    .concat(
      [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)],
      [...text.matchAll(/(?:^|\n)import\s*['"]([^'"]+)['"]/g)],
    )
    .map((match) => match[1]!);
}

function targetRoom(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return roomOf(join(root, 'src', specifier.slice(1)));
  if (specifier.startsWith('.')) return roomOf(resolve(dirname(file), specifier));
  return undefined;
}

/** The modules that exactly one file (or folder) may import. */
const reserved: Record<string, RegExp> = {
  'node:ffi': /^src\/linux\/ffi\.ts$/,
  'node:child_process': /^src\/(programs\/run\.ts|cli\/.*)$/,
  'node:sqlite': /^src\/metadata\//,
};

test('imports go down the floors of ARCHITECTURE.md only', () => {
  const { floors, beside, sideways } = readFloors();
  assert.ok(floors.size > 15, 'the floor table was found');
  const violations: string[] = [];
  for (const file of sourceFiles(join(root, 'src'))) {
    const name = relative(root, file);
    const from = roomOf(file);
    const isTest = file.endsWith('.test.ts');
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      const owner = reserved[specifier];
      if (owner && !owner.test(name) && !isTest) violations.push(`${name}: only ${owner} may import ${specifier}`);
      const to = targetRoom(file, specifier);
      if (to === undefined || to === from || (isTest && specifier.startsWith('#test/'))) continue;
      const toFloor = floors.get(to);
      const fromFloor = floors.get(from);
      const allowed = beside.has(from)
        ? toFloor === 0 || (from === 'cli' && to === 'api/client') || sideways.has(`${from} -> ${to}`)
        : fromFloor !== undefined && toFloor !== undefined && (toFloor < fromFloor || sideways.has(`${from} -> ${to}`));
      if (!allowed) violations.push(`${name}: ${from} may not import ${to}`);
    }
  }
  assert.deepEqual(violations, []);
});

/** The files of src that a file imports. */
function neighbours(file: string): string[] {
  return importsOf(readFileSync(file, 'utf8')).flatMap((specifier) => {
    if (specifier.startsWith('#')) return join(root, 'src', specifier.slice(1));
    return specifier.startsWith('.') ? resolve(dirname(file), specifier) : [];
  });
}

test('no file imports itself by way of others, types included', () => {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): void => {
    const start = way.indexOf(file);
    if (start >= 0) {
      const circle = [...way.slice(start), file].map((one) => relative(root, one));
      assert.fail(`these import each other in a circle: ${circle.join(' -> ')}`);
    }
    if (done.has(file)) return;
    way.push(file);
    for (const next of neighbours(file)) if (next.startsWith(join(root, 'src/'))) visit(next);
    way.pop();
    done.add(file);
  };
  const files = sourceFiles(join(root, 'src')).filter((file) => !file.endsWith('.test.ts'));
  for (const file of files) visit(file);
  assert.ok(done.size >= files.length);
});

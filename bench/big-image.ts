import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianArchive, makeArchive } from '../test/support/images.ts';
import { makeTar, tarHeader, tarPadding } from '../test/support/tar.ts';
import { run } from './measure.ts';

const cache = resolve(import.meta.dirname, '../.cache');
const FILES = 26_000;
const TOTAL = 500 * 1024 * 1024;

/** Path of an archive with `big:latest`: Debian, and above it a tree of 26,000 files like that of an npm project. */
export async function bigArchive(): Promise<string> {
  const path = join(cache, 'bench-big-1.tar');
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const layer = join(cache, 'bench-layer.tar');
  await writeTree(layer);
  const debian = join(cache, 'bench-debian');
  mkdirSync(debian, { recursive: true });
  await run(['tar', '-C', debian, '-xf', await debianArchive()]);
  const [base] = JSON.parse(await run(['cat', join(debian, 'manifest.json')])) as { Layers: string[] }[];
  await makeArchive(`${path}.new`, [
    { layers: [join(debian, base!.Layers[0]!), layer], tags: ['big:latest'], config: { Cmd: ['bash'] } },
  ]);
  renameSync(`${path}.new`, path);
  rmSync(layer);
  rmSync(debian, { recursive: true });
  return path;
}

const LAYERS = 60;

/** Path of an archive with `layered:latest`: 60 layers of 5 MB, each 250 files of its own and 10 of the layer below. */
export async function layeredArchive(): Promise<string> {
  const path = join(cache, 'bench-layered-1.tar');
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const layers = Array.from({ length: LAYERS }, (_, at) => smallLayer(at));
  await makeArchive(`${path}.new`, [{ layers, tags: ['layered:latest'], config: { Cmd: ['sh'] } }]);
  renameSync(`${path}.new`, path);
  return path;
}

function smallLayer(at: number): Buffer {
  const random = generator(at);
  const file = (name: string) => {
    const words = Array.from({ length: 4000 }, () => WORDS[Math.floor(random() * WORDS.length)]);
    return { name, body: words.join(' ') };
  };
  const own = Array.from({ length: 250 }, (_, n) => file(`srv/layer-${at}/file-${n}`));
  const below = Array.from({ length: at === 0 ? 0 : 10 }, (_, n) => file(`srv/layer-${at - 1}/file-${n}`));
  return makeTar([{ name: `srv/layer-${at}`, type: 'dir' }, ...own, ...below]);
}

/** Sizes follow a power law as source trees do; contents are text that compresses about as source does. */
async function writeTree(path: string): Promise<void> {
  const random = generator(42);
  const weights = Array.from({ length: FILES }, () => random() ** -0.7);
  const scale = TOTAL / weights.reduce((sum, weight) => sum + weight, 0);
  const text = Buffer.from(Array.from({ length: 1 << 20 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' '));
  const out = createWriteStream(path);
  const write = async (bytes: Buffer) => void (out.write(bytes) || (await once(out, 'drain')));
  for (let i = 0; i < FILES; i++) {
    const folder = `app/node_modules/package-${Math.floor(i / 40)}`;
    if (i % 40 === 0) await write(tarHeader({ name: `${folder}/`, type: 'dir', mode: 0o755 }, 0));
    const size = Math.floor(weights[i]! * scale);
    await write(tarHeader({ name: `${folder}/file-${i}.js`, mode: 0o644 }, size));
    for (let left = size; left > 0; ) {
      const start = Math.floor(random() * (text.length / 2));
      const piece = text.subarray(start, start + Math.min(left, text.length / 2));
      await write(piece);
      left -= piece.length;
    }
    await write(tarPadding(size));
  }
  await write(Buffer.alloc(1024));
  out.end();
  await once(out, 'finish');
}

const WORDS =
  'const let return function await import export if else for while { } ( ) => = == ; , "x" value index length map 0 1'.split(
    ' ',
  );

/** mulberry32: small, seeded, good enough for sizes. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 || 2 ** -32;
  };
}

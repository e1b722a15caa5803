/** `many-images.ts FOLDER [COUNT]` writes archives with so many images (10,000) that share their layers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeArchive, type TestImage } from '../test/support/images.ts';
import { makeTar } from '../test/support/tar.ts';

const PER_ARCHIVE = 1000;
/** Each image stands on a base, on one of a few layers above it, and on one that ten images have. */
const MIDDLES = 20;
const SHARERS = 10;

const layer = (name: string) => makeTar([{ name, body: Buffer.alloc(4000, name) }]);

function image(number: number): TestImage {
  const top = Math.floor(number / SHARERS);
  return {
    layers: [layer('base'), layer(`middle-${number % MIDDLES}`), layer(`top-${top}`)],
    tags: [`many/image-${number}:latest`],
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `NUMBER=${number}`],
      Cmd: ['sh'],
      Labels: { 'org.example.number': String(number), 'org.example.group': String(number % 100) },
    },
    extra: { created: new Date(Date.UTC(2024, 0, 1) + number * 1000).toISOString() },
  };
}

/** Writes the archives and gives their paths. */
export async function manyImages(folder: string, count = 10_000): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const paths: string[] = [];
  for (let from = 0; from < count; from += PER_ARCHIVE) {
    const path = join(folder, `images-${from}.tar`);
    const images = Array.from({ length: Math.min(PER_ARCHIVE, count - from) }, (_, at) => image(from + at));
    await makeArchive(path, images);
    paths.push(path);
  }
  return paths;
}

const [folder, count] = process.argv.slice(2);
if (import.meta.main && folder) await manyImages(folder, count === undefined ? undefined : Number(count));

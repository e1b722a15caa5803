import { CommandError } from '../errors.ts';
import type { TlsMaterial } from './store.ts';
import { isZip, readZip } from './zip.ts';

const BLOCK = 512;
/** Bytes of a whole archive, as docker's client limits it. */
export const MAX_ARCHIVE = 10 << 20;

/** A context as a tar: `meta.json` and the PEM files below `tls/docker`. */
export function packContext(metadata: object, tls: TlsMaterial): Buffer {
  const names = Object.keys(tls);
  return Buffer.concat([
    file('meta.json', 0o644, Buffer.from(JSON.stringify(metadata))),
    header('tls', '5', 0o700, 0),
    ...(names.length > 0 ? [header('tls/docker', '5', 0o700, 0)] : []),
    ...names.map((name) => file(`tls/docker/${name}`, 0o600, tls[name]!)),
    Buffer.alloc(2 * BLOCK),
  ]);
}

/** The files of such a tar or a zip archive, by their paths. Throws CommandError for what is none. */
export function unpackContext(archive: Buffer): Map<string, Buffer> {
  const files = isZip(archive) ? readZip(archive, MAX_ARCHIVE) : readTar(archive);
  if (!files.has('meta.json')) throw new CommandError('unexpected context file: it holds no meta.json');
  for (const path of files.keys()) {
    if (path !== 'meta.json' && !/^tls\/docker\/(ca|cert|key)\.pem$/.test(path)) {
      throw new CommandError(`${JSON.stringify(path)}: unexpected context file`);
    }
  }
  return files;
}

function readTar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const head = archive.subarray(at, at + BLOCK);
    const size = Number.parseInt(text(head, 124, 12), 8);
    const sum = Number.parseInt(text(head, 148, 8), 8);
    if (sum !== checksum(head) || !(size >= 0)) throw new CommandError('archive/tar: invalid tar header');
    const body = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (body.length < size) throw new CommandError('unexpected EOF');
    const type = String.fromCharCode(head[156]!);
    if (type === '0' || type === '\0') files.set(text(head, 0, 100).replace(/^\.\//, ''), body);
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
  return files;
}

function file(name: string, mode: number, body: Buffer): Buffer {
  return Buffer.concat([header(name, '0', mode, body.length), body, Buffer.alloc(-body.length & (BLOCK - 1))]);
}

/** ustar (POSIX.1-1988), owned by root, of 1970. */
function header(name: string, type: string, mode: number, size: number): Buffer {
  const head = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
  head.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  head.write(type, 156);
  head.write('ustar\x0000', 257);
  head.write(`${checksum(head).toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

/** The sum of all bytes, those of the sum itself as blanks. */
function checksum(head: Buffer): number {
  return head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function text(head: Buffer, at: number, length: number): string {
  return head
    .toString('utf8', at, at + length)
    .split('\0', 1)[0]!
    .trim();
}

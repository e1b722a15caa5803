import { readSync } from 'node:fs';
import { type TarHandler, TarParser } from './tar-parser.ts';

/** Bytes read at a time: holds a header and the small bodies that mostly follow it. */
const WINDOW = 8192;

/**
 * Reads the entries of a tar of `size` bytes, whose bodies are skipped without being read. Synchronous: for workers.
 * Throws EngineError `invalid` (as TarParser) and the system errors of reading.
 */
export function walkTarFile(fd: number, size: number, onEntry: TarHandler['entry']): void {
  const parser = new TarParser({ entry: onEntry });
  const window = Buffer.allocUnsafe(WINDOW);
  while (parser.position < size && !parser.done) {
    const count = readSync(fd, window, 0, Math.min(WINDOW, size - parser.position), parser.position);
    if (count === 0) break;
    parser.push(window.subarray(0, count));
    parser.skip(Math.min(parser.skippable, size - parser.position));
  }
  parser.end();
}

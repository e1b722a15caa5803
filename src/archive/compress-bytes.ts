import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import type { CompressRequest } from './compress-file.ts';

const gzipBytes = promisify(gzip);
const zstdBytes = promisify(zstdCompress);

/** Compresses a few bytes beside the main thread, for which a worker of its own would cost more than the work. */
export function compressBytes(bytes: Buffer, compression: CompressRequest['compression']): Promise<Buffer> {
  return compression === 'gzip' ? gzipBytes(bytes, { level: 4 }) : zstdBytes(bytes);
}

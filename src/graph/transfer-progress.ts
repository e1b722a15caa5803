import type { ProgressMessage } from '#api/types/image.ts';
import { type Digest, shortId } from '#lib/digest.ts';

/** What a layer is doing, in Docker's words. */
export interface LayerProgress {
  status: 'Waiting' | 'Downloading' | 'Verifying Checksum' | 'Download complete' | 'Extracting' | 'Pushing';
  /** Bytes of the blob; of a layer that is pushed, of its tar. */
  current?: number;
  total?: number;
}

/** ms between two messages of one layer that only move its bar. */
const PAUSE = 100;

/** Makes Docker's messages of what one layer does: changes at once, movement ten times a second. */
export function layerMessages(
  digest: Digest,
  emit: (message: ProgressMessage) => void,
): (progress: LayerProgress) => void {
  const id = shortId(digest);
  let shown: string | undefined;
  let at = 0;
  return ({ status, current, total }) => {
    const now = performance.now();
    if (status === shown && (current !== total || current === undefined) && now - at < PAUSE) return;
    shown = status;
    at = now;
    if (current === undefined || total === undefined) emit({ status, progressDetail: {}, id });
    else emit({ status, progressDetail: { current, total }, progress: bar(current, total), id });
  };
}

/** The bar that Docker draws for clients that draw none. */
function bar(current: number, total: number): string {
  const filled = total > 0 ? Math.min(50, Math.floor((current / total) * 50)) : 50;
  const head = filled < 50 ? '>' : '';
  const drawn = `${'='.repeat(filled)}${head}`.padEnd(50);
  return `[${drawn}]  ${sizeText(current).padStart(7)}/${sizeText(total)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `2.02MB` */
function sizeText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** unit).toPrecision(4))}${UNITS[unit]}`;
}

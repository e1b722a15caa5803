import type { CheckProblem } from '#api/types/check.ts';
import { cancelled, isEngineError } from '#errors/errors.ts';
import { type Digest, shortId } from '#lib/digest.ts';
import { familiarReference, parseReference } from '#lib/reference.ts';
import type { GraphState } from '../state.ts';

/** How the graph is to be checked, and who wants to know. */
export interface GraphCheck {
  /** Put right what can be. */
  repair: boolean;
  /** The rows may be those of another store: what they do not name is made known again, never removed. */
  distrusted: boolean;
  signal: AbortSignal;
  report(problem: CheckProblem): void;
  /** Bytes of layers that have been verified, and that there are. */
  progress(done: number, total: number): void;
  /** What containers remember, for when rows are lost: the names of an image, and the layers that they stand on. */
  namesOf(imageId: Digest): readonly string[];
  containerLayers: readonly Digest[];
}

/** `app:latest (3f5e...)`: how people know an image. By the rows: it may be one that memory does not have. */
export async function imageName({ db }: Pick<GraphState, 'db'>, id: Digest): Promise<string> {
  const rows = await db.read<{ reference: string }>('SELECT reference FROM refs WHERE image_id = ?', [id]);
  const names = rows.map(({ reference }) => familiarReference(parseReference(reference)));
  return names.length > 0 ? `${names.join(', ')} (${shortId(id)})` : shortId(id);
}

/** A blob's bytes, verified, or in a word why there are none. */
export async function readBlob(
  { content }: Pick<GraphState, 'content'>,
  digest: Digest,
): Promise<Buffer | 'missing' | 'damaged'> {
  try {
    return await content.read(digest);
  } catch (error) {
    if (isEngineError(error, 'not-found')) return 'missing';
    if (isEngineError(error) && error.code === 'BLOB_CORRUPT') return 'damaged';
    throw error;
  }
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled('the check was cancelled', { cause: signal.reason });
}

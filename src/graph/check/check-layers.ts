import { describe, isEngineError } from '#errors/errors.ts';
import type { Layer } from '#graphdriver/driver.ts';
import type { Digest } from '#lib/digest.ts';
import { shortId } from '#lib/digest.ts';
import { familiarReference } from '#lib/reference.ts';
import type { LayerInfo } from '../layers.ts';
import type { GraphState } from '../state.ts';
import { type GraphCheck, throwIfCancelled } from './graph-check.ts';

type Row = { diff_id: Digest; size: number; content_size: number; entries: number };

/** Verifies every layer that a row names: its tar against its digest, its index against its tar, the row against both. */
export async function checkLayers(state: GraphState, check: GraphCheck): Promise<{ layers: number; bytes: number }> {
  const rows = await state.db.read<Row>('SELECT diff_id, size, content_size, entries FROM layers');
  const bytes = rows.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const row of rows) {
    throwIfCancelled(check.signal);
    await unlessRemoved(state, row.diff_id, () => checkLayer(state, check, row));
    done += row.size;
    check.progress(done, bytes);
  }
  return { layers: rows.length, bytes };
}

/** A layer that goes meanwhile is no problem, whatever was missing of it. */
async function unlessRemoved(state: GraphState, diffId: Digest, work: () => Promise<void>): Promise<void> {
  const isThere = () => state.layers.info(diffId) !== undefined;
  if (!isThere()) return;
  try {
    await work();
  } catch (error) {
    if (isThere()) throw error;
  }
}

async function checkLayer(state: GraphState, check: GraphCheck, row: Row): Promise<void> {
  const { diff_id: diffId } = row;
  const length = await trueLength(state, diffId, check.signal);
  if (!state.layers.info(diffId)) return;
  if (length === 'missing' || length === 'damaged') return loseLayer(state, check, diffId, length);
  const layer: Layer = { diffId, tarPath: state.content.pathOf(diffId), size: length };
  const stat = await checkIndex(state, check, layer);
  if (!stat) return;
  const info: LayerInfo = { diffId, size: length, contentSize: stat.size, entries: stat.entries };
  const agrees = row.size === length && row.content_size === stat.size && row.entries === stat.entries;
  if (!agrees) await correctRow(state, check, diffId, info);
}

async function trueLength(
  { content }: GraphState,
  diffId: Digest,
  signal: AbortSignal,
): Promise<number | 'missing' | 'damaged'> {
  try {
    return (await content.verify(diffId, signal)) ?? 'damaged';
  } catch (error) {
    if (isEngineError(error, 'not-found')) return 'missing';
    throw error;
  }
}

/** What is damaged makes room for a good copy. The row goes, so that whoever brings the layer again is welcome. */
async function loseLayer(state: GraphState, check: GraphCheck, diffId: Digest, how: string): Promise<void> {
  const path = state.content.pathOf(diffId);
  if (check.repair) {
    await state.driver.removeLayer(diffId).catch(unlessInUse);
    await state.content.putAside(diffId);
    await state.layers.lose(diffId);
  }
  const images = imagesOf(state, diffId);
  const again = images.length > 0 ? `load or pull ${images.join(', ')} again` : 'no image has it any more';
  check.report({
    subject: `layer ${diffId}`,
    problem: how === 'missing' ? 'its tar is missing' : 'its tar is damaged: the bytes have another digest',
    path,
    effect: `no container can be made from ${images.join(', ') || 'it'}, nor started on it`,
    remedy: check.repair ? again : `what is damaged is put into the quarantine; then ${again}`,
    outcome: 'lost',
  });
}

/** Gives what the layer holds; undefined when it cannot be indexed. */
async function checkIndex(state: GraphState, check: GraphCheck, layer: Layer) {
  const subject = `layer ${layer.diffId}`;
  try {
    const { problem, stat } = await state.driver.verifyLayer(layer, check.signal);
    if (!problem || !state.layers.info(layer.diffId as Digest)) return stat;
    const repaired = check.repair && (await rebuild(state, layer));
    check.report({
      subject,
      problem: `its index ${problem}`,
      effect: 'its files cannot be mounted, or are shown wrong',
      remedy: `is made anew from the tar; whoever has it mounted keeps the old one until then${check.repair && !repaired ? ': stop the containers that use it first' : ''}`,
      outcome: repaired ? 'repaired' : 'found',
    });
    return stat;
  } catch (error) {
    if (!isEngineError(error) || error.kind === 'cancelled') throw error;
    const remedy = 'remove the image, and load or pull it again';
    const effect = 'it cannot be mounted';
    const problem = `it cannot be indexed: ${describe(error)}`;
    check.report({ subject, problem, path: layer.tarPath, effect, remedy, outcome: 'lost' });
    return undefined;
  }
}

async function rebuild({ driver }: GraphState, layer: Layer): Promise<boolean> {
  try {
    await driver.rebuildLayer(layer);
    return true;
  } catch (error) {
    unlessInUse(error);
    return false;
  }
}

async function correctRow(state: GraphState, check: GraphCheck, diffId: Digest, info: LayerInfo): Promise<void> {
  if (check.repair) {
    const { size, contentSize, entries } = info;
    const sql = 'UPDATE layers SET size = ?, content_size = ?, entries = ? WHERE diff_id = ?';
    await state.db.write([{ sql, params: [size, contentSize, entries, diffId] }]);
    state.layers.correct(diffId, info);
  }
  check.report({
    subject: `layer ${diffId}`,
    problem: 'the database has another size for it',
    effect: 'sizes are shown wrong',
    remedy: 'the size is taken from the tar',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

function imagesOf({ images, references }: GraphState, diffId: Digest): string[] {
  const having = [...images.values()].filter(({ image }) => image.diffIds.includes(diffId));
  return having.flatMap(({ image: { id } }) => {
    const names = references.of(id).map(familiarReference);
    return names.length > 0 ? names : [shortId(id)];
  });
}

function unlessInUse(error: unknown): void {
  if (!isEngineError(error, 'conflict')) throw error;
}

import type { MessagePort } from 'node:worker_threads';
import { type CompressedFile, type CompressRequest, compressFile } from '#archive/compress-file.ts';

export interface PushInput extends Omit<CompressRequest, 'onProgress'> {
  /** Gets a `PushNote` for each step forward. */
  notes: MessagePort;
}

/** Bytes of the tar that were read, bytes of the blob that are written. */
export type PushNote = [read: number, written: number];

/** Makes the compressed blob of a layer while it is being sent. */
export async function run({ notes, ...request }: PushInput): Promise<CompressedFile> {
  const onProgress = (...note: PushNote) => notes.postMessage(note);
  return compressFile({ ...request, onProgress });
}

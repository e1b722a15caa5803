import type { Volume } from '#api/types/volume.ts';
import { parseExact, stringifyExact } from '#lib/json.ts';

/** What is kept of a volume, in its row and in its `opts.json`. */
export interface VolumeRecord {
  version: 1;
  name: string;
  /** RFC 3339, whole seconds. */
  createdAt: string;
  labels: Record<string, string> | null;
  /** Of the local driver; null = a plain folder. */
  options: Record<string, string> | null;
}

/** The label of a volume that nobody gave a name. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

export function serializeVolume(record: VolumeRecord): string {
  return stringifyExact(record);
}

/** Throws for text that is no record. */
export function parseVolume(text: string): VolumeRecord {
  const record = parseExact(text) as VolumeRecord;
  if (record?.version !== 1) throw new TypeError(`volume record of version ${record?.version}`);
  return record;
}

/** As the API shows it; `mountpoint` is the folder with the data. */
export function volumeView(record: VolumeRecord, mountpoint: string): Volume {
  const { name, createdAt, labels, options } = record;
  return {
    CreatedAt: createdAt,
    Driver: 'local',
    Labels: labels,
    Mountpoint: mountpoint,
    Name: name,
    Options: options,
    Scope: 'local',
  };
}

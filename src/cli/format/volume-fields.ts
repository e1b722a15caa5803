import type { Volume } from '#api/types/volume.ts';
import { labelText } from './labels.ts';
import type { Fields } from './list.ts';
import { humanSize } from './units.ts';

export const volumeColumns = ['Driver', 'Name'];

const unknown = 'N/A';

/** What `volume ls` can show of a volume. Those of a swarm have a state of their own; these have none. */
export const volumeFields: Fields<Volume> = {
  Name: { header: 'VOLUME NAME', value: ({ Name }) => Name },
  Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
  Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
  Mountpoint: { header: 'MOUNTPOINT', value: ({ Mountpoint }) => Mountpoint },
  Labels: { header: 'LABELS', value: ({ Labels }) => labelText(Labels) },
  Label: { header: '', takesArgument: true, value: ({ Labels }, name) => Labels?.[name ?? ''] ?? '' },
  Links: { header: 'LINKS', value: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : unknown) },
  Size: { header: 'SIZE', value: ({ UsageData }) => (UsageData ? humanSize(UsageData.Size, 3) : unknown) },
  Availability: { header: 'AVAILABILITY', value: () => unknown },
  Group: { header: 'GROUP', value: () => unknown },
  Status: { header: 'STATUS', value: () => unknown },
};

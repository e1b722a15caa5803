import type { ContainerSummary } from '#api/types/container.ts';
import { quote } from '../template/printf.ts';
import { ellipsis } from './display-width.ts';
import { labelText } from './labels.ts';
import type { Fields } from './list.ts';
import { formatPorts } from './ports.ts';
import { ago, goTime, humanSize, shortId } from './units.ts';

export const containerColumns = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];

/** What `ps` can show of a container; `full` keeps ids, commands and links whole. */
export function containerFields(full: boolean): Fields<ContainerSummary> {
  return {
    ID: { header: 'CONTAINER ID', value: (row) => (full ? row.Id : shortId(row.Id)) },
    Names: { header: 'NAMES', value: (row) => namesOf(row, full) },
    Image: { header: 'IMAGE', value: (row) => imageOf(row, full) },
    Command: { header: 'COMMAND', value: (row) => quote(full ? row.Command : ellipsis(row.Command, 20)) },
    CreatedAt: { header: 'CREATED AT', value: (row) => goTime(row.Created) },
    RunningFor: { header: 'CREATED', value: (row) => ago(row.Created) },
    Ports: { header: 'PORTS', value: (row) => formatPorts(row.Ports ?? []) },
    State: { header: 'STATE', value: (row) => row.State },
    Status: { header: 'STATUS', value: (row) => row.Status },
    Size: { header: 'SIZE', value: sizeOf },
    Labels: { header: 'LABELS', value: (row) => labelText(row.Labels) },
    Label: { header: '', takesArgument: true, value: (row, name) => row.Labels?.[name ?? ''] ?? '' },
    Mounts: { header: 'MOUNTS', value: (row) => mountsOf(row, full) },
    LocalVolumes: {
      header: 'LOCAL VOLUMES',
      value: (row) => String(row.Mounts.filter((mount) => mount.Driver === 'local').length),
    },
    Networks: {
      header: 'NETWORKS',
      value: (row) =>
        Object.keys(row.NetworkSettings?.Networks ?? {})
          .sort()
          .join(','),
    },
  };
}

/** Without the leading slash; a name with a second slash is a link and shown only in full. */
function namesOf(row: ContainerSummary, full: boolean): string {
  const names = row.Names.map((name) => name.replace(/^\//, ''));
  return names.filter((name) => full || !name.includes('/')).join(',');
}

function imageOf(row: ContainerSummary, full: boolean): string {
  if (row.Image === '') return '<no image>';
  if (full) return row.Image;
  if (row.Image === row.ImageID) return shortId(row.ImageID);
  return /^[^@]+@sha256:/.test(row.Image) ? row.Image.replace(/@.*$/, '') : row.Image;
}

function mountsOf(row: ContainerSummary, full: boolean): string {
  const names = row.Mounts.map((mount) => mount.Name || mount.Source);
  return names.map((name) => (full ? name : ellipsis(name, 15))).join(',');
}

function sizeOf(row: ContainerSummary): string {
  const written = humanSize(Number(row.SizeRw ?? 0), 3);
  const root = Number(row.SizeRootFs ?? 0);
  return root > 0 ? `${written} (virtual ${humanSize(root, 3)})` : written;
}

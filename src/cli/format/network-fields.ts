import type { Network } from '#api/types/network.ts';
import { labelText } from './labels.ts';
import type { Fields } from './list.ts';
import { shortId } from './units.ts';

export const networkColumns = ['ID', 'Name', 'Driver', 'Scope'];

/** What `network ls` can show of a network; `full` keeps ids whole. */
export function networkFields(full: boolean): Fields<Network> {
  return {
    ID: { header: 'NETWORK ID', value: ({ Id }) => (full ? Id : shortId(Id)) },
    Name: { header: 'NAME', value: ({ Name }) => Name },
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
    IPv4: { header: 'IPV4', value: ({ EnableIPv4 }) => String(EnableIPv4 ?? true) },
    IPv6: { header: 'IPV6', value: ({ EnableIPv6 }) => String(EnableIPv6) },
    Internal: { header: 'INTERNAL', value: ({ Internal }) => String(Internal) },
    Labels: { header: 'LABELS', value: ({ Labels }) => labelText(Labels) },
    Label: { header: '', takesArgument: true, value: ({ Labels }, name) => Labels?.[name ?? ''] ?? '' },
    CreatedAt: { header: 'CREATED AT', value: ({ Created }) => Created },
  };
}

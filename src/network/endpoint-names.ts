import type { EndpointSettings } from '#api/types/network.ts';
import type { AttachRequest } from './attach-request.ts';
import type { NetworkRecord } from './network-record.ts';

/** By which names the neighbours on a user's network find a container; on the engine's own networks there are none. */
export function withNames(
  endpoint: EndpointSettings,
  { request }: NetworkRecord,
  { containerId, name, names = [] }: Pick<AttachRequest, 'containerId' | 'name' | 'names'>,
): EndpointSettings {
  if (!request) return endpoint;
  const all = [name, ...(endpoint.Aliases ?? []), containerId.slice(0, 12), ...names];
  return { ...endpoint, DNSNames: [...new Set(all)] };
}

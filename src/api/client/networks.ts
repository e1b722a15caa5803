import type { EndpointSettings, Network, NetworkCreateRequest, NetworkCreateResponse } from '#api/types/network.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';

const pathOf = (network: string) => `/networks/${encodeURIComponent(network)}`;

const given = (filters: FilterValues | undefined) => (filters && Object.keys(filters).length > 0 ? filters : undefined);

export function listNetworks(client: Client, filters?: FilterValues): Promise<Network[]> {
  return client.json('GET', '/networks', { query: { filters: given(filters) } });
}

/** The inspect object as the daemon wrote it. */
export function inspectNetworkText(
  client: Client,
  network: string,
  query: { verbose?: boolean } = {},
): Promise<string> {
  return client.text('GET', pathOf(network), { query });
}

export function createNetwork(client: Client, request: NetworkCreateRequest): Promise<NetworkCreateResponse> {
  return client.json('POST', '/networks/create', { json: request });
}

export async function connectNetwork(
  client: Client,
  network: string,
  container: string,
  endpoint: EndpointSettings,
): Promise<void> {
  const json = { Container: container, EndpointConfig: endpoint };
  await client.text('POST', `${pathOf(network)}/connect`, { json });
}

export async function disconnectNetwork(
  client: Client,
  network: string,
  container: string,
  force: boolean,
): Promise<void> {
  await client.text('POST', `${pathOf(network)}/disconnect`, { json: { Container: container, Force: force } });
}

export async function removeNetwork(client: Client, network: string): Promise<void> {
  await client.text('DELETE', pathOf(network));
}

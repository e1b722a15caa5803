import type { Config } from '#api/types/container-config.ts';
import type { EndpointSettings } from '#api/types/network.ts';
import type { Container } from './container.ts';

/** Entrypoint and command put together: what process 1 runs. */
export function commandLine(config: Config): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

/** The endpoint that the top level of NetworkSettings repeats: the default bridge's. */
export function bridgeEndpoint(networks: Record<string, EndpointSettings>, mode: string): EndpointSettings | undefined {
  return mode === 'bridge' || mode === 'default' || mode === '' ? networks.bridge : undefined;
}

/** What every event of a container carries: its labels, its image as given, its name. */
export function eventAttributes({ record }: Container, more: Record<string, string> = {}): Record<string, string> {
  return { ...record.config.Labels, image: record.config.Image, name: record.name, ...more };
}

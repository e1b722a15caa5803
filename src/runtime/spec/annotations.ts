import type { HostConfig } from '#api/types/host-config.ts';

/** `--annotation` as the specification carries it; nothing when there are none. */
export function containerAnnotations(hostConfig: HostConfig): { annotations?: Record<string, string> } {
  const annotations = hostConfig.Annotations ?? {};
  return Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {};
}

import type { HostConfig } from '#api/types/host-config.ts';

/** How the warnings of this file begin. */
export const LATER = 'Not in this release: ';

/** What a create request asks for that is kept and shown but not acted on yet, one warning each. */
export function laterWarnings(hostConfig: HostConfig): string[] {
  const { SecurityOpt } = hostConfig;
  const warnings: string[] = [];
  if (SecurityOpt?.some((option) => /^label[=:](?!disable)/.test(option))) warnings.push('SELinux labels are not set');
  return warnings.map((text) => `${LATER}${text}`);
}

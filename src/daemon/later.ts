import type { HostConfig } from '#api/types/host-config.ts';

/** How the warnings of this file begin. */
export const LATER = 'Not in this release: ';

/** What a create request asks for that is kept and shown but not acted on yet, one warning each. */
export function laterWarnings(hostConfig: HostConfig): string[] {
  const { SecurityOpt, LogConfig } = hostConfig;
  const warnings: string[] = [];
  if (SecurityOpt?.some((option) => /^label[=:](?!disable)/.test(option))) warnings.push('SELinux labels are not set');
  const unused = ['labels', 'labels-regex', 'env', 'env-regex', 'tag', 'compress'].filter(
    (name) => LogConfig.Config?.[name],
  );
  if (unused.length > 0) warnings.push(`log options without effect: ${unused.join(', ')}`);
  return warnings.map((text) => `${LATER}${text}`);
}

import { arch } from 'node:process';
import type { OciPlatform } from '#api/types/image.ts';

/** Node's names of processors -> Go's, which images use. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  riscv64: 'riscv64',
  ppc64: 'ppc64le',
  s390x: 's390x',
  loong64: 'loong64',
};

/** The platform of this machine. */
export const HOST_PLATFORM: OciPlatform = { os: 'linux', architecture: ARCHITECTURES[arch] ?? arch };

/** `linux/arm64/v8` */
export function formatPlatform({ os, architecture, variant }: OciPlatform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

/** Go's default variants: an arm64 image without a variant is v8, an arm one v7. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' };

/** True when something made for `offered` is what was asked for with `wanted`. */
export function platformMatches(wanted: OciPlatform, offered: OciPlatform): boolean {
  const variant = (platform: OciPlatform) => platform.variant || DEFAULT_VARIANTS[platform.architecture] || '';
  return (
    wanted.os === offered.os &&
    wanted.architecture === offered.architecture &&
    (!wanted.variant || variant(wanted) === variant(offered))
  );
}

/** The processors that each system runs on, of those that Go knows and docker's client takes into lists. */
const ARCHITECTURES: Record<string, string> = {
  darwin: '386 amd64 arm arm64',
  dragonfly: 'amd64',
  freebsd: '386 amd64 arm',
  linux: '386 amd64 arm arm64 mips64 mips64le ppc64le riscv64 s390x',
  netbsd: '386 amd64 arm',
  openbsd: '386 amd64 arm',
  plan9: '386 amd64',
  solaris: 'amd64',
  windows: '386 amd64 arm arm64',
};

export function isPlatform({ os, architecture }: { os: string; architecture: string }): boolean {
  return ARCHITECTURES[os]?.split(' ').includes(architecture) ?? false;
}

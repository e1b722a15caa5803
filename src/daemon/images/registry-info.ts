import type { RegistryServiceConfig } from '#api/types/system.ts';
import type { RegistrySettings } from '#registry/settings.ts';

const OFFICIAL = 'docker.io';
/** Registries on this machine may always be without TLS. */
const LOOPBACK = ['::1/128', '127.0.0.0/8'];

/** How registries are reached, for `/info`. */
export function registryInfo({ insecureRegistries, mirrors }: RegistrySettings): RegistryServiceConfig {
  const isBlock = (registry: string) => /\/\d+$/.test(registry);
  const official = (mirrors.get(OFFICIAL) ?? []).map((url) => (url.endsWith('/') ? url : `${url}/`));
  const insecure = insecureRegistries.filter((registry) => !isBlock(registry));
  return {
    InsecureRegistryCIDRs: [...LOOPBACK, ...insecureRegistries.filter(isBlock)],
    IndexConfigs: {
      ...Object.fromEntries(
        insecure.map((Name) => [Name, { Name, Mirrors: [], Secure: false, Official: false }] as const),
      ),
      [OFFICIAL]: { Name: OFFICIAL, Mirrors: official, Secure: true, Official: true },
    },
    Mirrors: official.length > 0 ? official : null,
  };
}

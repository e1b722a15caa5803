import { DEFAULT_DOMAIN } from './reference.ts';

/** `https://host:port/v1/` -> `host:port` */
export function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').split('/')[0]!;
}

/** The domain of references to images at a registry: `https://index.docker.io/v1/` -> `docker.io`, `http://host:5000/v2/` -> `host:5000`. */
export function domainOf(address: string): string {
  const host = hostOf(address);
  return host === 'index.docker.io' ? DEFAULT_DOMAIN : host;
}

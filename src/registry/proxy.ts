import { isInBlock, isLoopback, splitHost } from './addresses.ts';
import type { ProxySettings } from './settings.ts';

/** The proxy for a request to `url`, undefined = none, by the rules of Go's httpproxy: loopback never has one. */
export function proxyFor(url: URL, proxies: ProxySettings): string | undefined {
  const proxy = url.protocol === 'https:' ? proxies.https : proxies.http;
  if (!proxy) return undefined;
  const { host } = splitHost(url.host);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (isLoopback(host) || isExempt(host.toLowerCase(), port, proxies.no ?? '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isExempt(host: string, port: string, list: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*' || isInBlock(host, entry)) return true;
      const named = splitHost(entry.replace(/^\*\./, '.'));
      if (named.port !== '' && named.port !== port) return false;
      if (named.host.startsWith('.')) return host.endsWith(named.host);
      return host === named.host || host.endsWith(`.${named.host}`);
    });
}

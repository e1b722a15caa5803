import { isIP } from 'node:net';
import type { ValueType } from '../flags/types.ts';
import { listOf } from '../flags/values.ts';

/** `--add-host name:address` or `name=address`; an address in brackets loses them. */
export const extraHosts: ValueType<string[]> = listOf('list', (text) => {
  const [, name, separator, rest = ''] = /^([^:=]*)([:=])(.*)$/s.exec(text) ?? [];
  if (!name || !separator) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = rest.replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && isIP(address) === 0) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${address}`;
});

/** `--dns-search`; `.` = none. */
export const dnsSearch: ValueType<string[]> = listOf('list', (text) => {
  const name = text.trim().replace(/^ +|\.+$/g, '');
  if (text.trim() === '.') return '.';
  if (!/[a-zA-Z]/.test(name) || !/^[\w-]+(?:\.[\w-]+)*$/.test(name) || name.length >= 255) {
    throw new Error(`${text} is not a valid domain`);
  }
  return name;
});

/** `--link container[:alias]` */
export const links: ValueType<string[]> = listOf('list', (text) => {
  if (text === '') throw new Error('empty string specified for links');
  if (text.split(':').length > 2) throw new Error(`bad format for links: ${text}`);
  return text;
});

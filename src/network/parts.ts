import type { Mutex } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { PortWishes } from './attach-request.ts';
import type { Firewall } from './firewall.ts';
import type { Ipv6Proxy } from './ipv6-proxy.ts';
import type { PortPublisher } from './port-publisher.ts';
import type { NetworkRegistry } from './registry.ts';
import type { Sandbox } from './sandbox.ts';
import type { NetworkSettings } from './settings.ts';

/** A container that has a network now. */
export interface Member {
  name: string;
  sandbox: Sandbox;
  ports: PortWishes;
  /** More names by which its neighbours know it. */
  names: string[];
  /** It has ended: its addresses are not free yet, but nobody finds it there any more. */
  ended?: boolean;
  /** Changes of its networks take turns, its end too. */
  lock: Mutex;
}

/** What `Networks` is made of. */
export interface NetworksParts {
  launcher: Launcher;
  /** The folder of pinned namespaces. */
  folder: string;
  settings: NetworkSettings;
  registry: NetworkRegistry;
  firewall: Firewall;
  publisher: PortPublisher;
  ipv6: Ipv6Proxy | undefined;
  log: (message: string) => void;
}

/** Keeps a sandbox as it is now, durably for as long as this boot lasts. */
export type KeepSandbox = (sandbox: Sandbox) => Promise<void>;

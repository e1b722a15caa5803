import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { NETLINK_NETFILTER, sendNetlink } from '#linux/netlink.ts';
import { forgetFlows } from '#linux/netlink-conntrack.ts';
import { getGeneration, readGeneration } from '#linux/netlink-nftables.ts';
import { isIpv6, type PublishedPort } from './published-port.ts';
import {
  type BridgeRules,
  changeElements,
  type LinkedPort,
  PROTOCOL_NUMBERS,
  replaceLinks,
  replaceTable,
  TABLE,
} from './ruleset.ts';
import { differsFromTable } from './ruleset-check.ts';

export interface FirewallOptions {
  launcher: Pick<Launcher, 'nft' | 'netlink'>;
  log: (message: string) => void;
  /** How often (ms) the ruleset's generation is read, to see whether somebody else changed it. */
  watchMs?: number;
}

/** How long after the first withdrawal the elements are deleted, many at once. */
const SWEEP_DELAY_MS = 250;

/**
 * Our nft table and what it should hold. Transactions go one after the other; the state here is the truth, the kernel
 * is made to follow it: when somebody removed the table, a rule or an element, it is put back as a whole.
 */
export class Firewall {
  readonly #options: FirewallOptions;
  readonly #published = new Map<string, PublishedPort[]>();
  readonly #closing = new AbortController();
  #bridges: BridgeRules[] = [];
  #links: LinkedPort[] = [];
  /** Withdrawn, but still in the kernel's table. */
  #leaving: PublishedPort[] = [];
  #sweepTimer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** Generation of the ruleset when we looked last, and our own transactions since. */
  #generation: number | undefined;
  #transactions = 0;

  constructor(options: FirewallOptions) {
    this.#options = options;
  }

  /** Puts the table in place, with the links and published ports of the running containers, and watches it from now. */
  async open(bridges: BridgeRules[], published: Map<string, PublishedPort[]>, links: LinkedPort[] = []): Promise<void> {
    this.#bridges = bridges;
    this.#links = links;
    for (const [owner, ports] of published) this.#published.set(owner, ports);
    await this.#enqueue(() => this.#replace());
    void this.#watch();
  }

  /** Puts the rules for these bridges in place of those for the ones before. */
  async setBridges(bridges: BridgeRules[]): Promise<void> {
    this.#bridges = bridges;
    await this.#enqueue(() => this.#replace());
  }

  /** These are the links between containers from now on. */
  async setLinks(links: LinkedPort[]): Promise<void> {
    await this.#enqueue(async () => {
      if (isDeepStrictEqual(links, this.#links)) return;
      this.#links = links;
      await this.#transactOrReplace(replaceLinks(links));
    });
  }

  /** Lets the ports of one owner be reached. */
  async publish(owner: string, ports: PublishedPort[]): Promise<void> {
    if (ports.length > 0) await this.#enqueue(() => this.#add(owner, ports));
  }

  /**
   * Stops that, a little later: deleting makes the kernel wait for a grace period of about 10 ms, and whoever publishes
   * meanwhile would wait too. Until then packets for the port go to an address that nobody has.
   */
  withdraw(owner: string): void {
    const ports = this.#published.get(owner);
    if (!ports) return;
    this.#published.delete(owner);
    this.#leaving.push(...ports);
    this.#sweepTimer ??= setTimeout(() => void this.#sweepLater(), SWEEP_DELAY_MS);
  }

  /** Looks whether the table is whole, and repairs it. Gives true when it had to. */
  async verify(): Promise<boolean> {
    return await this.#enqueue(async () => {
      const expected = { bridges: this.#bridges, links: this.#links, published: [...this.#ports(), ...this.#leaving] };
      if (!(await differsFromTable(this.#options.launcher, expected))) return false;
      this.#options.log(`the nft table ${TABLE} was changed by somebody else; it has been restored`);
      await this.#replace();
      return true;
    });
  }

  /** Stops watching. The table stays: containers live on without the engine. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#enqueue(() => this.#sweep());
  }

  #ports(): PublishedPort[] {
    return [...this.#published.values()].flat();
  }

  /** A port whose last owner is still on its way out changes hands in one transaction. */
  async #add(owner: string, ports: PublishedPort[]): Promise<void> {
    const taken = new Set(ports.map(hostKey));
    const handedOver = this.#leaving.filter((port) => taken.has(hostKey(port)));
    this.#leaving = this.#leaving.filter((port) => !taken.has(hostKey(port)));
    this.#published.set(owner, ports);
    try {
      await this.#transactOrReplace(changeElements('delete', handedOver) + changeElements('add', ports));
      await this.#forgetOldFlows(ports);
    } catch (error) {
      this.#published.delete(owner);
      throw error;
    }
  }

  /** A sender that never pauses keeps its UDP flow alive, and with it the decision where its packets go. */
  async #forgetOldFlows(ports: PublishedPort[]): Promise<void> {
    const datagram = ports.filter((port) => port.protocol === 'udp' && !isIpv6(port));
    if (datagram.length === 0) return;
    const messages = datagram.map(({ hostPort }) => forgetFlows(PROTOCOL_NUMBERS.udp, hostPort));
    await sendNetlink(this.#options.launcher, messages, { protocol: NETLINK_NETFILTER });
  }

  async #sweepLater(): Promise<void> {
    try {
      await this.#enqueue(() => this.#sweep());
    } catch (error) {
      this.#options.log(`cannot delete ports from the nft table ${TABLE}: ${describe(error)}`);
    }
  }

  async #sweep(): Promise<void> {
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = undefined;
    await this.#transactOrReplace(changeElements('delete', this.#leaving.splice(0)));
  }

  /** A change that fails found the table other than we left it. */
  async #transactOrReplace(commands: string): Promise<void> {
    if (commands === '') return;
    try {
      await this.#transact(commands);
    } catch {
      await this.#replace();
    }
  }

  async #replace(): Promise<void> {
    this.#leaving = [];
    for (const commands of replaceTable(this.#bridges, this.#links, this.#ports())) await this.#transact(commands);
  }

  async #transact(commands: string): Promise<void> {
    await this.#options.launcher.nft(commands);
    this.#transactions++;
  }

  async #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => {});
    return await result;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        if (await this.#enqueue(() => this.#changedByOthers())) await this.verify();
        await delay(this.#options.watchMs ?? 1000, undefined, { signal, ref: false });
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log(`cannot watch the nft table ${TABLE}: ${describe(error)}`);
        await delay(10_000, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }

  /** Each transaction raises the generation by one: anything beyond our own was somebody else. The first look counts too. */
  async #changedByOthers(): Promise<boolean> {
    const replies = await sendNetlink(this.#options.launcher, [getGeneration()], { protocol: NETLINK_NETFILTER });
    const now = readGeneration(replies);
    const expected = this.#generation === undefined ? undefined : this.#generation + this.#transactions;
    this.#generation = now;
    this.#transactions = 0;
    return now !== expected;
  }
}

/** What can lead to one container only. */
function hostKey({ protocol, hostAddress, hostPort }: PublishedPort): string {
  return `${protocol} ${hostAddress} ${hostPort}`;
}

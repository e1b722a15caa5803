import type { Firewall } from './firewall.ts';
import type { PortHolder, PortOwner, PortTarget } from './port-holder.ts';
import type { PortRequest } from './port-requests.ts';
import { isIpv6, type PublishedPort } from './published-port.ts';

/** Published ports: held on the host, and led to their container. */
export class PortPublisher {
  readonly holder: PortHolder;
  readonly #firewall: Firewall;

  constructor(holder: PortHolder, firewall: Firewall) {
    this.holder = holder;
    this.#firewall = firewall;
  }

  /** Takes every requested port or, when one cannot be had, none; throws as `PortHolder.hold`. */
  async publish(owner: PortOwner, requests: PortRequest[], target: PortTarget): Promise<PublishedPort[]> {
    const held = await this.holder.hold(owner, requests, target);
    try {
      await this.#firewall.publish(owner.containerId, held);
    } catch (error) {
      await this.holder.letGo(owner.containerId, held);
      throw error;
    }
    return held;
  }

  /** Resolves when the ports are free for others. */
  async withdraw(containerId: string, ports: PublishedPort[]): Promise<void> {
    this.#firewall.withdraw(containerId);
    await this.holder.letGo(containerId, ports);
  }

  /** Leads ports that are held to another address of their container. */
  async move(containerId: string, ports: PublishedPort[], containerAddress: string): Promise<PublishedPort[]> {
    const moved = ports.map((port) => ({ ...port, containerAddress }));
    this.#firewall.withdraw(containerId);
    await this.#firewall.publish(containerId, moved);
    const proxied = moved.filter(isIpv6);
    await this.holder.letGo(containerId, proxied);
    for (const port of proxied) await this.holder.holdAgain(containerId, port);
    return moved;
  }
}

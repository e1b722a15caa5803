/** For all tests of a file: a daemon, and a registry behind an unreliable proxy in the daemon's namespace. */
import { after, before } from 'node:test';
import type { ProgressMessage } from '#api/types/image.ts';
import { ask } from './ask.ts';
import { type DaemonOptions, startDaemon, type TestDaemon } from './daemon.ts';
import { busyboxLayer } from './images.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { type RegistryProxy, startRegistryProxy } from './registry-proxy.ts';

/** Its parts are there from the first test on. */
export class RegistryScene {
  daemon!: TestDaemon;
  registry!: TestRegistry;
  proxy!: RegistryProxy;
  /** The tar of busybox, the lowest layer of images that run. */
  busybox!: Buffer;

  constructor(options: DaemonOptions = {}) {
    before(async () => {
      this.daemon = await startDaemon({ busybox: false, ...options });
      const netns = this.daemon.netns.path;
      this.registry = await startRegistry({ netns, behindProxy: true });
      this.proxy = await startRegistryProxy({ netns, upstream: this.registry.front });
      this.busybox = await busyboxLayer();
    });
    after(async () => {
      await this.daemon?.close();
      await this.proxy?.close();
      await this.registry?.close();
    });
  }

  /** The full name of an image in the registry, as clients reach it. */
  readonly name = (repository: string) => `${this.proxy.host}/${repository}`;
  /** Runs docker's client, which must succeed; gives stdout. */
  readonly ok = (...args: string[]) => this.daemon.ok(args);

  /** The messages of a pull or push, or of the refusal of one. */
  async messages(path: string): Promise<ProgressMessage[]> {
    const { text } = await ask(this.daemon.socket, 'POST', path);
    const lines = text.split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }
}

/** As Docker shows a digest. */
export const short = (digest: string) => digest.slice('sha256:'.length).slice(0, 12);

/** Lets dockerd extract layers: where it put them, or why it refused. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startDockerd } from './dockerd.ts';
import { makeTar } from './tar.ts';

export interface DockerdLayers {
  /** Loads an image of these layers, bottom first; gives the directory of each, or dockerd's words. */
  extract(layers: readonly Buffer[]): Promise<{ folders: string[] } | { refusal: string }>;
  close(): Promise<void>;
}

/** `parent`: the folder in which it makes its own. */
export async function startDockerdLayers(parent: string): Promise<DockerdLayers> {
  const dockerd = await startDockerd({ parent });
  const socketPath = dockerd.host.slice('unix://'.length);
  const ask = (method: string, path: string, body?: Buffer) =>
    new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, method, path }, (reply) => text(reply).then(resolve, reject));
      sent.once('error', reject);
      sent.end(body);
    });
  return {
    async extract(layers) {
      const { id, archive } = imageOf(layers);
      const answer = await ask('POST', '/images/load?quiet=1', archive);
      if (answer.includes('"error"') || answer.includes('"message"')) return { refusal: answer.trim() };
      const { GraphDriver } = JSON.parse(await ask('GET', `/images/${id}/json`));
      const { LowerDir = '', UpperDir } = GraphDriver.Data;
      return { folders: [UpperDir, ...LowerDir.split(':').filter(Boolean)].reverse() };
    },
    close: () => dockerd.close(),
  };
}

function imageOf(layers: readonly Buffer[]): { id: string; archive: Buffer } {
  const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`);
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
  const id = sha256(config);
  const Layers = layers.map((_, n) => `${n}/layer.tar`);
  const manifest = JSON.stringify([{ Config: `${id}.json`, RepoTags: null, Layers }]);
  const members = [
    { name: `${id}.json`, body: config },
    { name: 'manifest.json', body: manifest },
    ...layers.map((body, n) => ({ name: `${n}/layer.tar`, body })),
  ];
  return { id: `sha256:${id}`, archive: makeTar(members) };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

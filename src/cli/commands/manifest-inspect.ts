import type { Client } from '#api/client/client.ts';
import { parseReference, repositoryOf } from '#lib/reference.ts';
import { type Context, defineCommand, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';
import { listOf } from '../manifests/list.ts';
import { readList, readMember } from '../manifests/store.ts';
import { fetchStored, type RemoteIndex, type StoredManifest } from '../manifests/stored-manifest.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  args: { min: 1, max: 2 },
  flags: {
    insecure: flag(bool, 'Accepted for compatibility: the daemon knows which registries are insecure'),
    verbose: flag(bool, 'Show where it is, its descriptor and its bytes too', { short: 'v' }),
  },
  async run({ context, values, args }) {
    const { verbose } = values;
    const show = (value: unknown) => printLine(context, JSON.stringify(value, undefined, '\t'));
    const showOne = (manifest: StoredManifest) => show(verbose ? manifest : payload(manifest));
    if (args.length === 2) {
      const [list = '', image = ''] = args;
      const member = await readMember(context.configFolder, list, image);
      if (!member) throw new CommandError(`No such manifest: ${image}`);
      await showOne(member);
      return 0;
    }
    const [name = ''] = args;
    const stored = await readList(context.configFolder, name);
    if (stored) {
      if (verbose) await show(stored);
      else await printLine(context, listOf(stored).bytes.toString());
      return 0;
    }
    const client = await context.client();
    const found = await fetchStored(context, client, name);
    if ('manifest' in found) await showOne(found.manifest);
    else if (verbose) await show(await membersOf(context, client, name, found.index));
    else await printLine(context, JSON.stringify(JSON.parse(found.index.bytes.toString('utf8')), undefined, 3));
    return 0;
  },
});

const payload = ({ SchemaV2Manifest, OCIManifest }: StoredManifest) => SchemaV2Manifest ?? OCIManifest;

/** The manifests of an index, with the platforms that it gives them. */
async function membersOf(context: Context, client: Client, name: string, { manifests }: RemoteIndex) {
  const repository = repositoryOf(parseReference(name));
  const members: StoredManifest[] = [];
  for (const { digest, platform } of manifests) {
    const found = await fetchStored(context, client, `${repository}@${digest}`);
    if ('index' in found) continue;
    const { Descriptor, ...rest } = found.manifest;
    members.push({ ...rest, Ref: `${name}@${digest}`, Descriptor: { ...Descriptor, ...(platform && { platform }) } });
  }
  return members.map(({ Ref, Descriptor, ...rest }) => ({ Ref, Descriptor, ...rest }));
}

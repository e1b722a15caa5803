import { defineCommand, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';
import { readList, removeList, writeMember } from '../manifests/store.ts';
import { fetchStored, type StoredManifest, wholeReference } from '../manifests/stored-manifest.ts';

export const command = defineCommand({
  usage: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  args: { min: 2 },
  flags: {
    amend: flag(bool, 'Add to a list that is there', { short: 'a' }),
    insecure: flag(bool, 'Accepted for compatibility: the daemon knows which registries are insecure'),
  },
  async run({ context, values, args: [list = '', ...images] }) {
    const { configFolder } = context;
    const before = await readList(configFolder, list);
    if (before && !values.amend) {
      throw new CommandError('refusing to amend an existing manifest list with no --amend flag');
    }
    const client = await context.client();
    const found: StoredManifest[] = [];
    // All of them before the first is written: a list is made whole or not at all.
    for (const image of images) {
      const known = before?.find(({ Ref }) => Ref === wholeReference(image));
      const fetched = known ? { manifest: known } : await fetchStored(context, client, image);
      if ('index' in fetched) throw new CommandError(`${image} is a manifest list`);
      found.push(fetched.manifest);
    }
    try {
      for (const manifest of found) await writeMember(configFolder, list, manifest);
    } catch (error) {
      if (!before) await removeList(configFolder, list);
      throw error;
    }
    await printLine(context, `Created manifest list ${wholeReference(list)}`);
    return 0;
  },
});

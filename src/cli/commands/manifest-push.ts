import { putRemoteManifest } from '#api/client/registry.ts';
import { parseReference, repositoryOf } from '#lib/reference.ts';
import { defineCommand, printLine } from '../command.ts';
import { registryAuthFor } from '../config/registry-auth.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';
import { listOf } from '../manifests/list.ts';
import { readList, removeList } from '../manifests/store.ts';
import { wholeReference } from '../manifests/stored-manifest.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST',
  args: { min: 1, max: 1 },
  flags: {
    insecure: flag(bool, 'Accepted for compatibility: the daemon knows which registries are insecure'),
    purge: flag(bool, 'Forget the list here when it is there', { short: 'p' }),
  },
  async run({ context, values, args: [list = ''] }) {
    const manifests = await readList(context.configFolder, list);
    if (!manifests) throw new CommandError(`No such manifest: ${list}`);
    const whole = listOf(manifests);
    const client = await context.client();
    const auth = await registryAuthFor(context, list);
    const repository = repositoryOf(parseReference(list));
    for (const { Ref, Descriptor, Raw } of manifests) {
      const { digest, mediaType } = Descriptor;
      const name = `${repository}@${digest}`;
      const from = repositoryOf(parseReference(Ref));
      const manifest = { mediaType, bytes: Buffer.from(Raw, 'base64'), from: from === repository ? '' : from };
      await putRemoteManifest(client, name, manifest, auth);
      await printLine(context, `Pushed ref ${name} with digest: ${digest}`);
    }
    const { Digest } = await putRemoteManifest(client, wholeReference(list), whole, auth);
    await printLine(context, Digest);
    if (values.purge) await removeList(context.configFolder, list);
    return 0;
  },
});

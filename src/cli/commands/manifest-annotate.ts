import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { string, stringSlice } from '../flags/values.ts';
import { isPlatform } from '../manifests/platforms.ts';
import { readMember, writeMember } from '../manifests/store.ts';
import { wholeReference } from '../manifests/stored-manifest.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  args: { min: 2, max: 2 },
  flags: {
    arch: flag(string, 'Architecture'),
    os: flag(string, 'Operating system'),
    'os-features': flag(stringSlice, "The system's features"),
    'os-version': flag(string, "The system's version"),
    variant: flag(string, "The architecture's variant"),
  },
  async run({ context, values, args: [list = '', image = ''] }) {
    const member = await readMember(context.configFolder, list, image);
    if (!member) {
      throw new CommandError(`manifest for image ${wholeReference(image)} does not exist in ${wholeReference(list)}`);
    }
    const old = member.Descriptor.platform ?? { architecture: '', os: '' };
    const features = [...new Set([...(old['os.features'] ?? []), ...values['os-features']])];
    const version = values['os-version'] || old['os.version'];
    const variant = values.variant || old.variant;
    const platform = {
      architecture: values.arch || old.architecture,
      os: values.os || old.os,
      ...(version && { 'os.version': version }),
      ...(features.length > 0 && { 'os.features': features }),
      ...(variant && { variant }),
    };
    if (!isPlatform(platform)) {
      throw new CommandError(
        `manifest entry for image has unsupported os/arch combination: ${platform.os}/${platform.architecture}`,
      );
    }
    await writeMember(context.configFolder, list, { ...member, Descriptor: { ...member.Descriptor, platform } });
    return 0;
  },
});

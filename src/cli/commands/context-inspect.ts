import { type Context, defineCommand } from '../command.ts';
import { DEFAULT_CONTEXT } from '../contexts/context-name.ts';
import { defaultContext } from '../contexts/default-context.ts';
import { contextPaths, readContext, readTlsMaterial } from '../contexts/store.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { inspectAll } from '../inspect.ts';
import { goJson } from '../template/json.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  args: { min: 0 },
  flags: { format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }) },
  async run({ context, values, args }) {
    const names = args.length > 0 ? args : [await context.contextName()];
    return inspectAll(context, names, values.format, async (name) =>
      goJson(await describe(context, name))
        .replaceAll('<', '\\u003c')
        .replaceAll('>', '\\u003e'),
    );
  },
});

async function describe(context: Context, name: string) {
  if (name === DEFAULT_CONTEXT) {
    const Storage = { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' };
    return { ...defaultContext(context), TLSMaterial: {}, Storage };
  }
  const { configFolder } = context;
  const stored = await readContext(configFolder, name);
  const files = Object.keys(await readTlsMaterial(configFolder, name));
  const paths = contextPaths(configFolder, name);
  return {
    ...stored,
    TLSMaterial: files.length > 0 ? { docker: files } : {},
    Storage: { MetadataPath: paths.metadata, TLSPath: paths.tls },
  };
}

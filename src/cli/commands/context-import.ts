import { type Context, defineCommand, print, printLine } from '../command.ts';
import { MAX_ARCHIVE, unpackContext } from '../contexts/archive.ts';
import { checkContextName, hasContext, type StoredContext, writeContext } from '../contexts/store.ts';
import { CommandError } from '../errors.ts';
import { openInputFile } from '../input-file.ts';

export const command = defineCommand({
  usage: 'CONTEXT FILE|-',
  args: { min: 2, max: 2 },
  flags: {},
  async run({ context, args: [name = '', source = ''] }) {
    const { configFolder } = context;
    checkContextName(name);
    if (await hasContext(configFolder, name)) throw new CommandError(`context "${name}" already exists`);
    const files = unpackContext(await readSource(context, source));
    const { Metadata = {}, Endpoints = {} } = parse(files.get('meta.json')!);
    const tls = [...files].flatMap(([path, body]) => (path === 'meta.json' ? [] : [[path.split('/')[2]!, body]]));
    await writeContext(configFolder, { Name: name, Metadata, Endpoints }, Object.fromEntries(tls));
    await printLine(context, name);
    await print(context.stderr, `Successfully imported context "${name}"\n`);
    return 0;
  },
});

async function readSource(context: Context, source: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source === '-' ? context.stdin : await openInputFile(source)) {
    size += piece.length;
    if (size > MAX_ARCHIVE) throw new CommandError(`the archive has more than ${MAX_ARCHIVE} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function parse(metadata: Buffer): Partial<StoredContext> {
  try {
    return JSON.parse(metadata.toString('utf8')) as Partial<StoredContext>;
  } catch (cause) {
    throw new CommandError(`meta.json is not JSON: ${(cause as Error).message}`, { cause });
  }
}

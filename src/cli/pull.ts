import type { Client } from '#api/client/client.ts';
import { pullImage } from '#api/client/images.ts';
import { DEFAULT_TAG, familiarName, parseReference } from '#lib/reference.ts';
import type { Context } from './command.ts';
import { registryAuthFor } from './config/registry-auth.ts';
import { showProgress, silent } from './format/progress.ts';

/** Pulls an image; its progress goes to standard error, for standard output belongs to the container. */
export async function pull(
  context: Context,
  client: Client,
  image: string,
  options: { platform?: string; quiet?: boolean },
): Promise<void> {
  const reference = parseReference(image);
  const tag = reference.digest ?? reference.tag ?? DEFAULT_TAG;
  const query = { fromImage: familiarName(reference), tag, platform: options.platform };
  const messages = await pullImage(client, query, await registryAuthFor(context, image));
  await showProgress(messages, options.quiet ? silent(context.stderr) : context.stderr);
}

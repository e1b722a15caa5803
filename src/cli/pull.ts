import type { Client } from '#api/client/client.ts';
import { type PullQuery, pullImage } from '#api/client/images.ts';
import type { Context } from './command.ts';
import { registryAuthFor } from './config/registry-auth.ts';
import { showProgress } from './format/progress.ts';

/** Pulls an image with the credentials for its registry, and shows how that goes on `output`. */
export async function pull(
  context: Context,
  client: Client,
  query: PullQuery,
  output: Parameters<typeof showProgress>[1],
): Promise<void> {
  const messages = await pullImage(client, query, await registryAuthFor(context, query.fromImage));
  await showProgress(messages, output);
}

import type { ProgressMessage } from '#api/types/image.ts';
import { describe, invalid, notFound, system } from '#errors/errors.ts';
import { checkImport, type ImportRequest } from '#graph/import.ts';
import type { Engine } from '../engine.ts';

export interface ImportSource extends ImportRequest {
  /** `-` = the request's body, else the URL of an archive; without a scheme it is http. */
  source: string;
  body: AsyncIterable<Uint8Array>;
}

type Emit = (message: ProgressMessage) => void;

/** Bytes between two messages of progress. */
const PROGRESS_STEP = 1 << 20;

/** `POST /images/create?fromSrc=`. The last message is the id of the image. Throws as `importImage` does. */
export async function importFrom(
  { graph }: Pick<Engine, 'graph'>,
  request: ImportSource,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  checkImport(request);
  const { source, body } = request;
  const url = source === '-' ? undefined : parseSource(source);
  const message = request.message || `Imported from ${url?.href ?? source}`;
  const archive = url ? await download(url, emit, signal) : body;
  const image = await graph.import(archive, { ...request, message }, signal);
  emit({ status: image.id });
}

function parseSource(source: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url)
    throw invalid(`cannot import from "${source}": it is no URL`, { hint: 'use - for the body of the request' });
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw invalid(`Get "${source}": unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
}

async function download(url: URL, emit: Emit, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  // a body that came decompressed by the way would be another archive than the one at the URL
  const response = await fetch(url, { signal, headers: { 'Accept-Encoding': 'identity' } }).catch((cause) => {
    throw system(`Get "${url.href}": ${describe(cause.cause ?? cause)}`, { cause });
  });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    const why = `failed to GET ${url.href} with status ${response.status} ${response.statusText}`;
    throw response.status === 404 ? notFound(why) : system(why);
  }
  emit({ status: `Downloading from ${url.href}` });
  return counted(response.body, Number(response.headers.get('content-length')) || 0, emit);
}

async function* counted(body: AsyncIterable<Uint8Array>, total: number, emit: Emit): AsyncGenerator<Uint8Array> {
  let current = 0;
  let shown = 0;
  const show = () => emit({ status: 'Importing', progressDetail: { current, ...(total > 0 && { total }) } });
  for await (const chunk of body) {
    current += chunk.length;
    if (current - shown >= PROGRESS_STEP) {
      shown = current;
      show();
    }
    yield chunk;
  }
  if (current > shown) show();
}

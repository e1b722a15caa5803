import type { ExecConfig, ExecCreateResponse, ExecInspect, ExecStartConfig } from '#api/types/exec.ts';
import type { Client, Hijacked } from './client.ts';
import type { TerminalSize } from './containers.ts';

const pathOf = (exec: string) => `/exec/${encodeURIComponent(exec)}`;

/** Gives the new exec's id. */
export async function createExec(client: Client, container: string, config: ExecConfig): Promise<string> {
  const path = `/containers/${encodeURIComponent(container)}/exec`;
  const { Id } = await client.json<ExecCreateResponse>('POST', path, { json: config });
  return Id;
}

/** Resolves when the process has been started. */
export async function startExecDetached(client: Client, exec: string, config: ExecStartConfig): Promise<void> {
  await client.text('POST', `${pathOf(exec)}/start`, { json: config });
}

/** Resolves when the daemon has taken over the connection; why the process could not be started comes as its output. */
export function startExec(client: Client, exec: string, config: ExecStartConfig): Promise<Hijacked> {
  return client.hijack(`${pathOf(exec)}/start`, { json: config, headers: { 'Content-Type': 'application/json' } });
}

export async function resizeExec(
  client: Client,
  exec: string,
  size: TerminalSize,
  signal?: AbortSignal,
): Promise<void> {
  await client.text('POST', `${pathOf(exec)}/resize`, { query: { h: size.rows, w: size.columns }, signal });
}

export function inspectExec(client: Client, exec: string): Promise<ExecInspect> {
  return client.json('GET', `${pathOf(exec)}/json`);
}

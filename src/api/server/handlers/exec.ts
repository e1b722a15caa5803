import { execConfig, execStartConfig } from '../bodies/exec.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode } from '../decode.ts';
import { empty, hijack, json, type Reply } from '../reply.ts';
import { consoleSize, terminalSize } from '../terminal-size.ts';

export async function create(call: Call): Promise<Reply> {
  const body = decode(execConfig, await readJson(call), 'ExecConfig');
  const id = await call.backend.execs.create(call.name, {
    command: body.Cmd ?? [],
    env: body.Env ?? [],
    user: body.User,
    workingDir: body.WorkingDir,
    privileged: body.Privileged,
    tty: body.Tty,
    consoleSize: consoleSize(body, call.version),
    streams: { stdin: body.AttachStdin, stdout: body.AttachStdout, stderr: body.AttachStderr },
    detachKeys: body.DetachKeys,
  });
  return json({ Id: id }, 201);
}

export async function start(call: Call): Promise<Reply> {
  const body = decode(execStartConfig, await readJson(call), 'ExecStartConfig');
  const options = { raw: body.Tty, consoleSize: consoleSize(body, call.version) };
  if (body.Detach) {
    await call.backend.execs.startDetached(call.name, options);
    return empty(200);
  }
  const { connect } = await call.backend.execs.start(call.name, options);
  return hijack(!body.Tty, connect);
}

export async function resize(call: Call): Promise<Reply> {
  await call.backend.execs.resize(call.name, terminalSize(call));
  return empty(200);
}

export async function inspect(call: Call): Promise<Reply> {
  return json(await call.backend.execs.inspect(call.name));
}

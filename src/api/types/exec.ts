/** Body of `POST /containers/{id}/exec`. */
export interface ExecConfig {
  User: string;
  Privileged: boolean;
  Tty: boolean;
  /** Height, width; null = as the client's start says. */
  ConsoleSize: [number, number] | null;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  DetachKeys: string;
  Env: string[] | null;
  WorkingDir: string;
  Cmd: string[] | null;
}

/** Body of `POST /exec/{id}/start`. */
export interface ExecStartConfig {
  Detach: boolean;
  /** The stream is raw; else it is multiplexed. Whether there is a terminal was said at create. */
  Tty: boolean;
  ConsoleSize: [number, number] | null;
}

export interface ExecCreateResponse {
  Id: string;
}

/** `GET /exec/{id}/json` */
export interface ExecInspect {
  ID: string;
  Running: boolean;
  /** Null until it has ended. */
  ExitCode: number | null;
  ProcessConfig: {
    tty: boolean;
    entrypoint: string;
    arguments: string[];
    privileged: boolean;
    user?: string;
  };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  /** It has ended and will be forgotten soon. */
  CanRemove: boolean;
  ContainerID: string;
  /** The bytes of the detach keys in base64. */
  DetachKeys: string;
  /** On the host; 0 before the start, kept after the end. */
  Pid: number;
}

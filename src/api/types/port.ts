/** `{"80/tcp": [{HostIp, HostPort}], "53/udp": null}`: null = exposed but not published. */
export type PortMap = Record<string, PortBinding[] | null>;

export interface PortBinding {
  /** Empty = every address. */
  HostIp: string;
  /** Digits, a range `8000-8010`, or empty for any free port. */
  HostPort: string;
}

/** One line of the PORTS column of `ps`. */
export interface Port {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: 'tcp' | 'udp' | 'sctp';
}

import type { Int64 } from './scalar.ts';

export type EventType =
  | 'builder'
  | 'config'
  | 'container'
  | 'daemon'
  | 'image'
  | 'network'
  | 'node'
  | 'plugin'
  | 'secret'
  | 'service'
  | 'volume';

export interface EventMessage {
  Type: EventType;
  /** `create`, `start`, `die`, `exec_start: sh -c true`, ... */
  Action: string;
  Actor: EventActor;
  scope: 'local' | 'swarm';
  /** Seconds since 1970. */
  time: number;
  /** Nanoseconds since 1970; always beyond what a number holds. */
  timeNano: Int64;
}

export interface EventActor {
  ID: string;
  Attributes: Record<string, string>;
}

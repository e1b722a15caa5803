import type { EventMessage } from '#api/types/event.ts';

/** The fields of the first events, which every version so far still carries for containers and images. */
export interface EventOnWire extends EventMessage {
  status?: string;
  id?: string;
  from?: string;
}

/** An event as it goes out. */
export function withFirstFields(event: EventMessage): EventOnWire {
  const { ID: id, Attributes: attributes } = event.Actor;
  if (event.Type === 'image') return { status: event.Action, id, ...event };
  if (event.Type !== 'container') return event;
  const from = attributes.image;
  return { status: event.Action, id, ...(from ? { from } : {}), ...event };
}

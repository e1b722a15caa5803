import type { ContainerUpdateRequest } from '#api/types/container.ts';
import type { RestartPolicy } from '#api/types/host-config.ts';
import { decode, integer, struct, word } from '../decode.ts';
import { resourceFields } from './resources.ts';

export const restartPolicy = struct<RestartPolicy>('RestartPolicy', {
  Name: word<RestartPolicy['Name']>(),
  MaximumRetryCount: integer,
});

const updateFields = struct<ContainerUpdateRequest>('UpdateConfig', {
  ...resourceFields,
  RestartPolicy: restartPolicy,
});

/** The body of an update: limits, and a restart policy beside them. */
export function updateBody(body: unknown): ContainerUpdateRequest {
  return decode(updateFields, body, 'UpdateConfig');
}

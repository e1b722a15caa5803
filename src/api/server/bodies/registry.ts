import type { AuthConfig } from '#api/types/registry.ts';
import { string, struct } from '../decode.ts';

export const authConfig = struct<AuthConfig>('AuthConfig', {
  username: string,
  password: string,
  auth: string,
  serveraddress: string,
  identitytoken: string,
  registrytoken: string,
});

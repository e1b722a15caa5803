import type { OciPlatform } from './image.ts';

/** What a client knows about itself at a registry: the JSON in `X-Registry-Auth` (base64url), the body of `POST /auth`. */
export interface AuthConfig {
  username?: string;
  password?: string;
  /** `username:password` in base64, instead of the two. */
  auth?: string;
  serveraddress?: string;
  /** A refresh token, for which a token server gives access tokens; instead of a password. */
  identitytoken?: string;
  /** Sent to the registry as it is. */
  registrytoken?: string;
}

/** What `POST /auth` answers. */
export interface AuthResponse {
  Status: string;
  /** To be kept instead of the password; empty when the registry gives none. */
  IdentityToken: string;
}

/** An entry of what `GET /images/search` answers. */
export interface SearchResult {
  description: string;
  is_official: boolean;
  /** Always false: no registry builds images any more. */
  is_automated: boolean;
  name: string;
  star_count: number;
}

/** What `GET /distribution/{name}/json` answers: an image at its registry. */
export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: OciPlatform[];
}

/** What `POST /distribution/{name}/manifest` answers, which no Docker has. */
export interface DistributionPut {
  Digest: string;
  /** Bytes. */
  Size: number;
}

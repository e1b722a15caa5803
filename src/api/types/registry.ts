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

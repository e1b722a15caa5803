/**
 * The schema, as the steps that lead to it: entry n takes a database from version n to n + 1, inside one transaction.
 * Released entries never change; a new need is a new entry. Times are integers in ns since 1970, sizes bytes.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE images (
    id TEXT PRIMARY KEY,
    config_size INTEGER NOT NULL,
    last_tagged_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE refs (
    reference TEXT PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images(id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refs_by_image ON refs(image_id);

  CREATE TABLE manifests (
    digest TEXT NOT NULL,
    image_id TEXT NOT NULL REFERENCES images(id),
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (digest, image_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE layers (
    diff_id TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    content_size INTEGER NOT NULL,
    entries INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    diff_id TEXT NOT NULL REFERENCES layers(diff_id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_by_layer ON blobs(diff_id);

  CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE volumes (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE addresses (
    network_id TEXT NOT NULL,
    address TEXT NOT NULL,
    container_id TEXT NOT NULL,
    PRIMARY KEY (network_id, address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX addresses_by_container ON addresses(container_id);
  `,
  'ALTER TABLE images ADD COLUMN parent_id TEXT',
  `
  CREATE TABLE aliases (
    v1_id TEXT PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX aliases_by_image ON aliases(image_id);
  `,
  // What the engine keeps in memory of an image's config, so that a start reads no configs.
  'ALTER TABLE images ADD COLUMN note TEXT',
  // Where blobs are, to mount them from there instead of sending them.
  `
  CREATE TABLE blob_repositories (
    digest TEXT NOT NULL REFERENCES blobs(digest) ON DELETE CASCADE,
    repository TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (digest, repository)
  ) STRICT, WITHOUT ROWID;
  `,
];

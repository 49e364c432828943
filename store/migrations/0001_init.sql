-- +goose Up
-- Only TEXT, BIGINT and BOOLEAN, so that one file serves SQLite and PostgreSQL. Identifiers are TEXT, instants BIGINT
-- milliseconds since 1970 UTC (0: none), amounts TEXT in smallest units, documents TEXT holding JSON.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('number', 1000);

CREATE TABLE leases (
  name    TEXT PRIMARY KEY,
  holder  TEXT NOT NULL,
  ends_at BIGINT NOT NULL,
  fence   BIGINT NOT NULL
);

CREATE TABLE merchants (
  id         TEXT PRIMARY KEY,
  number     BIGINT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  support    TEXT NOT NULL,
  tolerance  TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  suspended  BOOLEAN NOT NULL
);

CREATE TABLE api_keys (
  public_key      TEXT PRIMARY KEY,
  merchant_id     TEXT NOT NULL REFERENCES merchants (id),
  environment     TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  dialect         TEXT NOT NULL,
  secret          TEXT NOT NULL,
  previous_secret TEXT NOT NULL,
  previous_until  BIGINT NOT NULL,
  created_at      BIGINT NOT NULL,
  revoked         BOOLEAN NOT NULL
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id, environment, dialect);

CREATE TABLE wallets (
  id          TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL REFERENCES merchants (id),
  network     TEXT NOT NULL,
  custody     TEXT NOT NULL CHECK (custody IN ('own')),
  descriptor  TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  identity    TEXT NOT NULL,
  next_index  BIGINT NOT NULL,
  active      BOOLEAN NOT NULL,
  created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX wallets_active ON wallets (merchant_id, network) WHERE active;
CREATE UNIQUE INDEX wallets_key ON wallets (network, identity);

CREATE TABLE addresses (
  network     TEXT NOT NULL,
  address     TEXT NOT NULL,
  merchant_id TEXT NOT NULL REFERENCES merchants (id),
  wallet_id   TEXT NOT NULL REFERENCES wallets (id),
  idx         BIGINT NOT NULL,
  owner_kind  TEXT NOT NULL CHECK (owner_kind IN ('invoice')),
  owner_id    TEXT NOT NULL,
  assigned_at BIGINT NOT NULL,
  PRIMARY KEY (network, address)
);
CREATE UNIQUE INDEX addresses_index ON addresses (wallet_id, idx);

CREATE TABLE invoices (
  id                 TEXT PRIMARY KEY,
  number             BIGINT NOT NULL UNIQUE,
  uuid               TEXT NOT NULL UNIQUE,
  merchant_id        TEXT NOT NULL REFERENCES merchants (id),
  environment        TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  version            BIGINT NOT NULL,
  origin             TEXT NOT NULL,
  foreign_id         TEXT NOT NULL,
  title              TEXT NOT NULL,
  description        TEXT NOT NULL,
  email              TEXT NOT NULL,
  end_user_reference TEXT NOT NULL,
  payer              TEXT NOT NULL, -- sealed
  success_url        TEXT NOT NULL,
  failure_url        TEXT NOT NULL,
  created_at         BIGINT NOT NULL,
  currency           TEXT NOT NULL,
  scale              BIGINT NOT NULL,
  crypto             BOOLEAN NOT NULL,
  price              TEXT NOT NULL,
  tolerance          TEXT NOT NULL,
  terms              TEXT NOT NULL,
  methods            TEXT NOT NULL,
  asset              TEXT NOT NULL,
  network            TEXT NOT NULL,
  quote_id           TEXT NOT NULL,
  state              TEXT NOT NULL CHECK (state IN ('open', 'awaiting', 'detected', 'settled', 'expired', 'failed', 'cancelled')),
  amount_state       TEXT NOT NULL CHECK (amount_state IN ('none', 'short', 'exact', 'over')),
  flags              TEXT NOT NULL,
  fulfilment         TEXT NOT NULL,
  reason             TEXT NOT NULL,
  due                TEXT NOT NULL,
  received           TEXT NOT NULL,
  ended_state        TEXT NOT NULL,
  ended_reason       TEXT NOT NULL,
  ended_at           BIGINT NOT NULL,
  lapsed_quote       TEXT NOT NULL,
  settled_at         BIGINT NOT NULL,
  skipped_ms         BIGINT NOT NULL,
  expires_at         BIGINT NOT NULL,
  due_at             BIGINT NOT NULL,
  log_seq            BIGINT NOT NULL,
  log_hash           TEXT NOT NULL,
  log_seal           TEXT NOT NULL,
  event_seq          BIGINT NOT NULL,
  event_hash         TEXT NOT NULL,
  event_seal         TEXT NOT NULL
);
CREATE INDEX invoices_due ON invoices (due_at, id) WHERE due_at > 0;
CREATE INDEX invoices_merchant ON invoices (merchant_id, environment, created_at, id);

-- Invoices another process than the serving one has changed: a command on the same SQLite file.
CREATE TABLE changed_elsewhere (
  invoice_id TEXT PRIMARY KEY,
  version    BIGINT NOT NULL
);

CREATE TABLE invoice_quotes (
  id          TEXT PRIMARY KEY,
  invoice_id  TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  merchant_id TEXT NOT NULL,
  n           BIGINT NOT NULL,
  asset       TEXT NOT NULL,
  rate        TEXT NOT NULL,
  due         TEXT NOT NULL,
  begins_at   BIGINT NOT NULL,
  ends_at     BIGINT NOT NULL,
  renewal     BOOLEAN NOT NULL,
  by_payer    BOOLEAN NOT NULL,
  basis       TEXT NOT NULL
);
CREATE UNIQUE INDEX invoice_quotes_place ON invoice_quotes (invoice_id, n);

CREATE TABLE invoice_addresses (
  invoice_id  TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  merchant_id TEXT NOT NULL,
  asset       TEXT NOT NULL,
  number      BIGINT NOT NULL UNIQUE,
  network     TEXT NOT NULL,
  address     TEXT NOT NULL,
  assigned_at BIGINT NOT NULL,
  height      BIGINT NOT NULL,
  PRIMARY KEY (invoice_id, asset),
  FOREIGN KEY (network, address) REFERENCES addresses (network, address)
);

CREATE TABLE invoice_marks (
  invoice_id  TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  merchant_id TEXT NOT NULL,
  n           BIGINT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('accept', 'invalidate', 'cancel', 'reopen')),
  actor       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  at          BIGINT NOT NULL,
  until       BIGINT NOT NULL,
  PRIMARY KEY (invoice_id, n)
);

CREATE TABLE payments (
  id              TEXT PRIMARY KEY,
  number          BIGINT NOT NULL UNIQUE,
  merchant_id     TEXT NOT NULL,
  owner_kind      TEXT NOT NULL CHECK (owner_kind IN ('invoice')),
  owner_id        TEXT NOT NULL,
  network         TEXT NOT NULL,
  asset           TEXT NOT NULL,
  txid            TEXT NOT NULL,
  ordinal         BIGINT NOT NULL,
  address         TEXT NOT NULL,
  amount          TEXT NOT NULL,
  inputs          TEXT NOT NULL,
  replaceable     BOOLEAN NOT NULL,
  coinbase        BOOLEAN NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('detected', 'confirmed', 'reverted', 'dropped')),
  standing        TEXT NOT NULL CHECK (standing IN ('counted', 'late', 'aside', 'dust', 'unmatched', 'quarantined')),
  is_late         BOOLEAN NOT NULL,
  extra           BOOLEAN NOT NULL,
  quote_id        TEXT NOT NULL,
  first_seen_at   BIGINT NOT NULL,
  confirmed_at    BIGINT NOT NULL,
  reverted_at     BIGINT NOT NULL,
  block_height    BIGINT NOT NULL,
  block_hash      TEXT NOT NULL,
  depth           BIGINT NOT NULL,
  need            BIGINT NOT NULL,
  conflict        TEXT NOT NULL,
  conflict_height BIGINT NOT NULL,
  conflict_hash   TEXT NOT NULL,
  double_spent    BOOLEAN NOT NULL,
  replaced_by     TEXT NOT NULL,
  booked          TEXT NOT NULL CHECK (booked IN ('', 'suspend', 'credit', 'allocate')),
  epoch           BIGINT NOT NULL,
  events          BIGINT NOT NULL
);
CREATE UNIQUE INDEX payments_identity ON payments (network, txid, ordinal);
CREATE INDEX payments_owner ON payments (owner_id);
CREATE INDEX payments_open ON payments (network, owner_id) WHERE status IN ('detected', 'reverted');
CREATE INDEX payments_block ON payments (network, block_hash) WHERE block_hash <> '';
CREATE INDEX payments_conflict ON payments (network, conflict_hash) WHERE conflict_hash <> '';

CREATE TABLE onces (
  scope      TEXT NOT NULL,
  key        TEXT NOT NULL,
  object_id  TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE TABLE invoice_events (
  invoice_id   TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  seq          BIGINT NOT NULL,
  merchant_id  TEXT NOT NULL,
  from_state   TEXT NOT NULL,
  to_state     TEXT NOT NULL,
  amount_state TEXT NOT NULL,
  flags        TEXT NOT NULL,
  reason       TEXT NOT NULL,
  cause_kind   TEXT NOT NULL,
  cause_id     TEXT NOT NULL,
  actor        TEXT NOT NULL,
  at           BIGINT NOT NULL,
  prev_hash    TEXT NOT NULL,
  hash         TEXT NOT NULL,
  PRIMARY KEY (invoice_id, seq)
);

CREATE TABLE events (
  id          TEXT PRIMARY KEY,
  stream_id   TEXT NOT NULL,
  stream_seq  BIGINT NOT NULL,
  object_id   TEXT NOT NULL,
  object_seq  BIGINT NOT NULL,
  type        TEXT NOT NULL,
  merchant_id TEXT NOT NULL,
  environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  data        TEXT NOT NULL,
  data_sha256 TEXT NOT NULL,
  at          BIGINT NOT NULL,
  prev_hash   TEXT NOT NULL,
  hash        TEXT NOT NULL
);
CREATE UNIQUE INDEX events_stream ON events (stream_id, stream_seq);
CREATE UNIQUE INDEX events_object ON events (object_id, object_seq);

CREATE TABLE endpoints (
  id          TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL REFERENCES merchants (id),
  environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  dialect     TEXT NOT NULL,
  public_key  TEXT NOT NULL REFERENCES api_keys (public_key),
  url         TEXT NOT NULL,
  types       TEXT NOT NULL,
  disabled    BOOLEAN NOT NULL,
  created_at  BIGINT NOT NULL
);
CREATE INDEX endpoints_merchant ON endpoints (merchant_id, environment);

CREATE TABLE outbox (
  id          TEXT PRIMARY KEY,
  event_id    TEXT NOT NULL REFERENCES events (id),
  endpoint_id TEXT NOT NULL REFERENCES endpoints (id),
  merchant_id TEXT NOT NULL,
  stream_id   TEXT NOT NULL,
  stream_seq  BIGINT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'heard', 'skipped', 'superseded', 'dead')),
  attempts    BIGINT NOT NULL,
  tries       BIGINT NOT NULL,
  manual      BOOLEAN NOT NULL,
  next_at     BIGINT NOT NULL,
  first_at    BIGINT NOT NULL, -- when its first attempt began, 0 before
  lease_until BIGINT NOT NULL,
  lease_by    TEXT NOT NULL,
  body        TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  heard_at    BIGINT NOT NULL,
  last_hash   TEXT NOT NULL,
  last_seal   TEXT NOT NULL
);
CREATE UNIQUE INDEX outbox_once ON outbox (event_id, endpoint_id);
CREATE INDEX outbox_due ON outbox (next_at, id) WHERE state = 'pending';
CREATE INDEX outbox_stream ON outbox (endpoint_id, stream_id, stream_seq) WHERE state = 'pending';
CREATE INDEX outbox_merchant ON outbox (merchant_id, created_at, id);

CREATE TABLE deliveries (
  outbox_id   TEXT NOT NULL REFERENCES outbox (id),
  attempt     BIGINT NOT NULL,
  event_id    TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  merchant_id TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('auto', 'manual')),
  outcome     TEXT NOT NULL CHECK (outcome IN ('ok', 'http', 'redirect', 'timeout', 'tls', 'dns', 'connect', 'reset', 'blocked')),
  status_code BIGINT NOT NULL,
  answer      TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  at          BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  prev_hash   TEXT NOT NULL,
  hash        TEXT NOT NULL,
  PRIMARY KEY (outbox_id, attempt)
);

CREATE TABLE entries (
  id         TEXT PRIMARY KEY,
  cause_kind TEXT NOT NULL,
  cause_id   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  epoch      BIGINT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX entries_cause ON entries (cause_kind, cause_id, kind, epoch);

CREATE TABLE entry_legs (
  stream    TEXT NOT NULL,
  seq       BIGINT NOT NULL,
  entry_id  TEXT NOT NULL REFERENCES entries (id),
  account   TEXT NOT NULL,
  asset     TEXT NOT NULL,
  amount    TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash      TEXT NOT NULL,
  PRIMARY KEY (stream, seq)
);
CREATE INDEX entry_legs_entry ON entry_legs (entry_id);

CREATE TABLE ledger_heads (
  stream TEXT PRIMARY KEY,
  seq    BIGINT NOT NULL,
  hash   TEXT NOT NULL,
  seal   TEXT NOT NULL
);

CREATE TABLE balances (
  account TEXT NOT NULL,
  asset   TEXT NOT NULL,
  amount  TEXT NOT NULL,
  PRIMARY KEY (account, asset)
);

CREATE TABLE cursors (
  network      TEXT PRIMARY KEY,
  height       BIGINT NOT NULL,
  block_hash   TEXT NOT NULL,
  seen_through BIGINT NOT NULL,
  status       TEXT NOT NULL,
  reorgs       BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL
);

CREATE TABLE headers (
  network TEXT NOT NULL,
  height  BIGINT NOT NULL,
  hash    TEXT NOT NULL,
  parent  TEXT NOT NULL,
  PRIMARY KEY (network, height)
);

CREATE TABLE reorgs (
  network     TEXT NOT NULL,
  n           BIGINT NOT NULL,
  from_height BIGINT NOT NULL,
  from_hash   TEXT NOT NULL,
  to_height   BIGINT NOT NULL,
  to_hash     TEXT NOT NULL,
  at          BIGINT NOT NULL,
  PRIMARY KEY (network, n)
);

-- Branches a person wants although the watcher would not turn to them by itself.
CREATE TABLE accepted (
  network TEXT PRIMARY KEY,
  height  BIGINT NOT NULL,
  hash    TEXT NOT NULL,
  at      BIGINT NOT NULL
);

-- Unconfirmed payments' transactions in hex, for a node that loses them.
CREATE TABLE raw_txs (
  network TEXT NOT NULL,
  txid    TEXT NOT NULL,
  raw     TEXT NOT NULL,
  PRIMARY KEY (network, txid)
);

-- What happened on a chain to owners who could not take it in; it is tried again.
CREATE TABLE held (
  network      TEXT NOT NULL,
  owner_id     TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('seen', 'advanced', 'reverted', 'conflicted', 'evicted')),
  txid         TEXT NOT NULL,
  other        TEXT NOT NULL, -- the transaction that conflicts with it
  block_height BIGINT NOT NULL,
  block_hash   TEXT NOT NULL,
  code         TEXT NOT NULL,
  met_at       BIGINT NOT NULL, -- what dates it
  first_at     BIGINT NOT NULL,
  last_at      BIGINT NOT NULL,
  PRIMARY KEY (network, owner_id, kind, txid, block_hash)
);
CREATE INDEX held_owner ON held (owner_id);

CREATE TABLE played_blocks (
  hash    TEXT PRIMARY KEY,
  height  BIGINT NOT NULL,
  parent  TEXT NOT NULL,
  best    BOOLEAN NOT NULL,
  at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX played_blocks_best ON played_blocks (height) WHERE best;

CREATE TABLE played_txs (
  id         TEXT PRIMARY KEY,
  address    TEXT NOT NULL,
  amount     TEXT NOT NULL,
  input      TEXT NOT NULL,
  block_hash TEXT NOT NULL,
  held       BOOLEAN NOT NULL,
  gone       BOOLEAN NOT NULL,
  at         BIGINT NOT NULL
);
CREATE INDEX played_txs_block ON played_txs (block_hash);
CREATE INDEX played_txs_pool ON played_txs (at) WHERE block_hash = '' AND NOT gone;

CREATE VIEW audit_invoices AS
SELECT i.id AS invoice_id, i.number, i.uuid, i.merchant_id, i.environment, i.origin, i.foreign_id, i.state, i.amount_state,
  i.flags, i.reason, i.currency, i.price AS price_minor, i.tolerance AS tolerance_minor, i.network AS chain, i.asset,
  i.due AS due_minor, i.received AS received_minor, i.quote_id, i.version, i.created_at,
  CASE WHEN i.expires_at = 0 THEN '' ELSE CAST(i.expires_at AS TEXT) END AS expires_at,
  CASE WHEN i.settled_at = 0 THEN '' ELSE CAST(i.settled_at AS TEXT) END AS settled_at
FROM invoices i;

CREATE VIEW audit_invoice_events AS
SELECT invoice_id, seq, from_state, to_state, amount_state, flags, cause_kind, cause_id, actor, at, prev_hash, hash
FROM invoice_events;

CREATE VIEW audit_payments AS
SELECT id AS payment_id, merchant_id, owner_kind, owner_id, network AS chain, asset, txid, ordinal, address,
  amount AS amount_minor, '0' AS fee_minor,
  CASE WHEN status = 'dropped' THEN 'dropped' WHEN standing IN ('dust', 'quarantined', 'unmatched') THEN standing ELSE status END AS state,
  CASE WHEN block_hash = '' THEN '' ELSE CAST(block_height AS TEXT) END AS block_height, block_hash, depth AS confirmations,
  quote_id, first_seen_at, CASE WHEN confirmed_at = 0 THEN '' ELSE CAST(confirmed_at AS TEXT) END AS confirmed_at
FROM payments;

CREATE VIEW audit_entries AS
SELECT l.stream || '/' || CAST(l.seq AS TEXT) AS entry_id, l.entry_id AS txn_id, l.account, l.asset, l.amount AS amount_minor,
  e.cause_kind, e.cause_id, e.kind, e.epoch, e.at, l.prev_hash, l.hash
FROM entry_legs l JOIN entries e ON e.id = l.entry_id;

CREATE VIEW audit_events AS
SELECT id AS event_id, stream_id, object_id, object_seq, type, merchant_id, environment, data_sha256 AS body_sha256, at,
  prev_hash, hash
FROM events;

CREATE VIEW audit_deliveries AS
SELECT event_id, endpoint_id, attempt, kind, outcome,
  CASE WHEN status_code = 0 THEN '' ELSE CAST(status_code AS TEXT) END AS status_code, body_sha256, at, duration_ms,
  prev_hash, hash
FROM deliveries;

CREATE VIEW audit_withdrawals AS
SELECT '' AS withdrawal_id, '' AS merchant_id, '' AS idem_key, '' AS purpose, '' AS chain, '' AS asset, '' AS amount_minor,
  '' AS fee_minor, '' AS network_fee_minor, '' AS address, '' AS state, '' AS request_id, '' AS signed_txid, 0 AS version,
  0 AS created_at
FROM settings WHERE 1 = 0;

CREATE VIEW audit_addresses AS
SELECT a.network AS chain, a.address, a.merchant_id, w.custody, w.fingerprint || '-' || substr(w.identity, 1, 8) AS xpub_fpr, a.idx AS derivation_index,
  a.owner_kind, a.owner_id, a.assigned_at
FROM addresses a JOIN wallets w ON w.id = a.wallet_id;

CREATE VIEW audit_cursors AS
SELECT network AS chain, height, block_hash,
  CASE WHEN seen_through = 0 THEN '' ELSE CAST(seen_through AS TEXT) END AS seen_through, status, reorgs, updated_at
FROM cursors;

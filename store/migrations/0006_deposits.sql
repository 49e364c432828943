-- +goose Up
-- Permanent addresses of merchants' customers. What comes to them are payments like those of invoices, so the tables of
-- addresses and payments take a second kind of owner. SQLite cannot change a CHECK: the tables are made anew.

DROP VIEW audit_payments;
DROP VIEW audit_addresses;
DROP VIEW audit_refunds;

DROP INDEX addresses_index;
ALTER TABLE addresses RENAME TO addresses_old;
ALTER TABLE invoice_addresses RENAME TO invoice_addresses_old;

CREATE TABLE addresses (
  network     TEXT NOT NULL,
  address     TEXT NOT NULL,
  merchant_id TEXT NOT NULL REFERENCES merchants (id),
  wallet_id   TEXT NOT NULL REFERENCES wallets (id),
  idx         BIGINT NOT NULL,
  owner_kind  TEXT NOT NULL CHECK (owner_kind IN ('invoice', 'deposit')),
  owner_id    TEXT NOT NULL,
  assigned_at BIGINT NOT NULL,
  PRIMARY KEY (network, address)
);
CREATE UNIQUE INDEX addresses_index ON addresses (wallet_id, idx);

CREATE TABLE invoice_addresses (
  invoice_id  TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  merchant_id TEXT NOT NULL,
  asset       TEXT NOT NULL,
  number      BIGINT NOT NULL UNIQUE,
  network     TEXT NOT NULL,
  address     TEXT NOT NULL,
  assigned_at BIGINT NOT NULL,
  height      BIGINT NOT NULL,
  tag         TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (invoice_id, asset),
  FOREIGN KEY (network, address) REFERENCES addresses (network, address)
);

INSERT INTO addresses (network, address, merchant_id, wallet_id, idx, owner_kind, owner_id, assigned_at)
SELECT network, address, merchant_id, wallet_id, idx, owner_kind, owner_id, assigned_at FROM addresses_old;
INSERT INTO invoice_addresses (invoice_id, merchant_id, asset, number, network, address, assigned_at, height, tag)
SELECT invoice_id, merchant_id, asset, number, network, address, assigned_at, height, tag FROM invoice_addresses_old;
DROP TABLE invoice_addresses_old;
DROP TABLE addresses_old;

DROP INDEX payments_identity;
DROP INDEX payments_owner;
DROP INDEX payments_open;
DROP INDEX payments_block;
DROP INDEX payments_conflict;
DROP INDEX refunds_place;
DROP INDEX refunds_tx;
DROP INDEX refunds_once;
ALTER TABLE payments RENAME TO payments_old;
ALTER TABLE refunds RENAME TO refunds_old;

-- The heads of event streams that payments of their own have: those to deposit addresses.
CREATE TABLE payments (
  id              TEXT PRIMARY KEY,
  number          BIGINT NOT NULL UNIQUE,
  merchant_id     TEXT NOT NULL,
  owner_kind      TEXT NOT NULL CHECK (owner_kind IN ('invoice', 'deposit')),
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
  standing        TEXT NOT NULL CHECK (standing IN ('counted', 'late', 'aside', 'small', 'dust', 'unmatched', 'quarantined')),
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
  events          BIGINT NOT NULL,
  wrong           BOOLEAN NOT NULL DEFAULT FALSE,
  coin            TEXT NOT NULL DEFAULT '',
  scale           BIGINT NOT NULL DEFAULT 0,
  taken_by        TEXT NOT NULL DEFAULT '',
  taken_why       TEXT NOT NULL DEFAULT '',
  event_hash      TEXT NOT NULL DEFAULT '',
  event_seal      TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX payments_identity ON payments (network, txid, ordinal);
CREATE INDEX payments_owner ON payments (owner_id);
CREATE INDEX payments_open ON payments (network, owner_id) WHERE status IN ('detected', 'reverted');
CREATE INDEX payments_block ON payments (network, block_hash) WHERE block_hash <> '';
CREATE INDEX payments_conflict ON payments (network, conflict_hash) WHERE conflict_hash <> '';

CREATE TABLE refunds (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  owner_kind   TEXT NOT NULL CHECK (owner_kind IN ('invoice')),
  owner_id     TEXT NOT NULL,
  n            BIGINT NOT NULL,
  payment_id   TEXT NOT NULL REFERENCES payments (id),
  network      TEXT NOT NULL,
  asset        TEXT NOT NULL,
  coin         TEXT NOT NULL,
  scale        BIGINT NOT NULL,
  amount       TEXT NOT NULL,
  address      TEXT NOT NULL,
  unallocated  BOOLEAN NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('approved', 'paid', 'rejected')),
  actor        TEXT NOT NULL,
  reason       TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  txid         TEXT NOT NULL,
  proven       BOOLEAN NOT NULL,
  ended_at     BIGINT NOT NULL,
  pot          TEXT NOT NULL,
  epoch        BIGINT NOT NULL,
  events       BIGINT NOT NULL,
  CHECK ((state = 'paid') = (txid <> '')),
  CHECK ((state = 'approved') = (ended_at = 0)),
  CHECK (state = 'paid' OR NOT proven),
  CHECK ((state = 'paid') = (pot <> ''))
);
CREATE UNIQUE INDEX refunds_place ON refunds (owner_id, n);
CREATE INDEX refunds_tx ON refunds (network, txid) WHERE txid <> '';
CREATE UNIQUE INDEX refunds_once ON refunds (payment_id) WHERE state <> 'rejected';

INSERT INTO payments (id, number, merchant_id, owner_kind, owner_id, network, asset, txid, ordinal, address, amount, inputs, replaceable,
  coinbase, status, standing, is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict,
  conflict_height, conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why)
SELECT id, number, merchant_id, owner_kind, owner_id, network, asset, txid, ordinal, address, amount, inputs, replaceable,
  coinbase, status, standing, is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict,
  conflict_height, conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why FROM payments_old;
INSERT INTO refunds (id, merchant_id, owner_kind, owner_id, n, payment_id, network, asset, coin, scale, amount, address, unallocated, state, actor,
  reason, created_at, txid, proven, ended_at, pot, epoch, events)
SELECT id, merchant_id, owner_kind, owner_id, n, payment_id, network, asset, coin, scale, amount, address, unallocated, state, actor,
  reason, created_at, txid, proven, ended_at, pot, epoch, events FROM refunds_old;
DROP TABLE refunds_old;
DROP TABLE payments_old;

CREATE TABLE deposit_addresses (
  id                 TEXT PRIMARY KEY,
  number             BIGINT NOT NULL UNIQUE,
  uuid               TEXT NOT NULL UNIQUE,
  merchant_id        TEXT NOT NULL REFERENCES merchants (id),
  environment        TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  version            BIGINT NOT NULL,
  origin             TEXT NOT NULL,
  asset              TEXT NOT NULL,
  network            TEXT NOT NULL,
  coin               TEXT NOT NULL,
  scale              BIGINT NOT NULL,
  convert_to         TEXT NOT NULL,
  customer_group     TEXT NOT NULL,
  label              TEXT NOT NULL,
  address            TEXT NOT NULL,
  tag                TEXT NOT NULL,
  minimum            TEXT NOT NULL,
  end_user_reference TEXT NOT NULL,
  payer              TEXT NOT NULL, -- sealed
  created_at         BIGINT NOT NULL,
  height             BIGINT NOT NULL,
  FOREIGN KEY (network, address) REFERENCES addresses (network, address)
);
CREATE UNIQUE INDEX deposit_addresses_key ON deposit_addresses (merchant_id, environment, asset, convert_to, customer_group, label);
CREATE INDEX deposit_addresses_merchant ON deposit_addresses (merchant_id, environment, created_at, id);

-- Merchants who hear of invoices hear of deposits as well.
UPDATE endpoints SET types = types || ' deposit.*' WHERE dialect = 'coinspaid';

CREATE VIEW audit_payments AS
SELECT id AS payment_id, merchant_id, owner_kind, owner_id, network AS chain, asset, txid, ordinal, address,
  amount AS amount_minor, '0' AS fee_minor,
  CASE WHEN status = 'dropped' THEN 'dropped' WHEN standing IN ('dust', 'quarantined', 'unmatched') THEN standing ELSE status END AS state,
  CASE WHEN block_hash = '' THEN '' ELSE CAST(block_height AS TEXT) END AS block_height, block_hash, depth AS confirmations,
  quote_id, first_seen_at, CASE WHEN confirmed_at = 0 THEN '' ELSE CAST(confirmed_at AS TEXT) END AS confirmed_at
FROM payments;

CREATE VIEW audit_addresses AS
SELECT a.network AS chain, a.address, a.merchant_id, w.custody, w.fingerprint || '-' || substr(w.identity, 1, 8) AS xpub_fpr, a.idx AS derivation_index,
  a.owner_kind, a.owner_id, a.assigned_at
FROM addresses a JOIN wallets w ON w.id = a.wallet_id;

CREATE VIEW audit_refunds AS
SELECT id AS refund_id, owner_kind, owner_id, merchant_id, payment_id, network AS chain, asset, amount AS amount_minor, address, state,
  unallocated, pot, txid, proven, actor, reason, created_at, ended_at
FROM refunds;

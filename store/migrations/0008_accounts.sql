-- +goose Up
-- The height confirmations are counted from, on networks that say themselves what is final.
ALTER TABLE cursors ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;

-- What an invoice asks for on top where payers are told apart by the amount.
ALTER TABLE invoice_addresses ADD COLUMN nudge TEXT NOT NULL DEFAULT '';

-- Payments to shared addresses whose tag is nobody's: a person says whose they are.
CREATE TABLE unmatched (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL REFERENCES merchants (id),
  network      TEXT NOT NULL,
  txid         TEXT NOT NULL,
  ordinal      BIGINT NOT NULL,
  asset        TEXT NOT NULL,
  coin         TEXT NOT NULL,
  scale        BIGINT NOT NULL,
  address      TEXT NOT NULL, -- with the tag, if there was one
  amount       TEXT NOT NULL,
  block_height BIGINT NOT NULL,
  block_hash   TEXT NOT NULL,
  seen_at      BIGINT NOT NULL,
  assigned_to  TEXT NOT NULL, -- an invoice
  assigned_by  TEXT NOT NULL,
  assigned_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX unmatched_transfer ON unmatched (network, txid, ordinal);
CREATE INDEX unmatched_merchant ON unmatched (merchant_id, seen_at, id);

-- Addresses by age: what they hold is compared with what was seen to come.
CREATE INDEX addresses_assigned ON addresses (network, assigned_at, address);

-- More than one chain can be played.
ALTER TABLE played_blocks ADD COLUMN network TEXT NOT NULL DEFAULT 'rehearsal';
ALTER TABLE played_txs ADD COLUMN network TEXT NOT NULL DEFAULT 'rehearsal';
DROP INDEX played_blocks_best;
CREATE UNIQUE INDEX played_blocks_best ON played_blocks (network, height) WHERE best;
DROP INDEX played_txs_pool;
CREATE INDEX played_txs_pool ON played_txs (network, at) WHERE block_hash = '' AND NOT gone;

-- Transfers to addresses of invoices on networks they were not given out for. They pay nothing, and are shown.
CREATE TABLE invoice_strays (
  invoice_id   TEXT NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
  merchant_id  TEXT NOT NULL,
  network      TEXT NOT NULL,
  txid         TEXT NOT NULL,
  ordinal      BIGINT NOT NULL,
  asset        TEXT NOT NULL,
  coin         TEXT NOT NULL,
  scale        BIGINT NOT NULL,
  address      TEXT NOT NULL,
  amount       TEXT NOT NULL,
  block_height BIGINT NOT NULL,
  block_hash   TEXT NOT NULL,
  seen_at      BIGINT NOT NULL,
  PRIMARY KEY (invoice_id, network, txid, ordinal)
);
CREATE INDEX invoice_strays_block ON invoice_strays (network, block_hash);

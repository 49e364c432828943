-- +goose Up
-- Payments in another asset than was asked for: no method of the invoice knows their currency.
ALTER TABLE payments ADD COLUMN wrong BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE payments ADD COLUMN coin TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN scale BIGINT NOT NULL DEFAULT 0;

-- Who accepted a payment that was set aside, for an invoice that is settled.
ALTER TABLE payments ADD COLUMN taken_by TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN taken_why TEXT NOT NULL DEFAULT '';

-- How the payer pays, and since when from an exchange.
ALTER TABLE invoices ADD COLUMN from_exchange BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE invoices ADD COLUMN slow_since BIGINT NOT NULL DEFAULT 0;

-- Whose prices a quote was made of, and what payments to a shared address must carry.
ALTER TABLE invoice_quotes ADD COLUMN sources TEXT NOT NULL DEFAULT '';
ALTER TABLE invoice_addresses ADD COLUMN tag TEXT NOT NULL DEFAULT '';

ALTER TABLE played_txs ADD COLUMN asset TEXT NOT NULL DEFAULT '';

-- Money that goes back to payers. The merchant sends it; here is what was approved, and the transaction that paid it.
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

CREATE VIEW audit_refunds AS
SELECT id AS refund_id, owner_kind, owner_id, merchant_id, payment_id, network AS chain, asset, amount AS amount_minor, address, state,
  unallocated, pot, txid, proven, actor, reason, created_at, ended_at
FROM refunds;

-- +goose Up
-- What an invoice was made by, and the tip in its price.
ALTER TABLE invoices ADD COLUMN source_id TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN tip TEXT NOT NULL DEFAULT '';

-- Invoices of a source: all of them by age, those that take a place, and those nothing was seen of. Others are in none.
CREATE INDEX invoices_source ON invoices (source_id, created_at, id) WHERE source_id <> '';
CREATE INDEX invoices_source_taken ON invoices (source_id) WHERE source_id <> '' AND state IN ('open', 'awaiting', 'detected', 'settled');
CREATE INDEX invoices_source_waiting ON invoices (source_id, created_at, id) WHERE source_id <> '' AND state IN ('open', 'awaiting');

CREATE TABLE terminals (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL REFERENCES merchants (id),
  environment  TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  token        TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  mode         TEXT NOT NULL CHECK (mode IN ('keypad', 'fixed', 'customer', 'deposit')),
  currency     TEXT NOT NULL,
  amount       TEXT NOT NULL,
  min_amount   TEXT NOT NULL,
  max_amount   TEXT NOT NULL,
  tips         TEXT NOT NULL,
  pin          TEXT NOT NULL, -- sealed
  pin_failures BIGINT NOT NULL, -- wrong ones in a row
  pin_locked   BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  revoked_at   BIGINT NOT NULL
);
CREATE INDEX terminals_merchant ON terminals (merchant_id, environment, created_at, id);

CREATE TABLE payment_links (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL REFERENCES merchants (id),
  environment  TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  slug         TEXT NOT NULL UNIQUE,
  title        TEXT NOT NULL,
  description  TEXT NOT NULL,
  mode         TEXT NOT NULL CHECK (mode IN ('fixed', 'customer', 'deposit')),
  currency     TEXT NOT NULL,
  amount       TEXT NOT NULL,
  min_amount   TEXT NOT NULL,
  max_amount   TEXT NOT NULL,
  suggestions  TEXT NOT NULL,
  stock        BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  message      TEXT NOT NULL,
  success_url  TEXT NOT NULL,
  fields       TEXT NOT NULL,
  private      BOOLEAN NOT NULL,
  held         BIGINT NOT NULL, -- how often somebody wanted a place: writing it keeps others waiting
  address_hour BIGINT NOT NULL, -- the hour deposit addresses were counted in last, since 1970
  addresses    BIGINT NOT NULL, -- how many it gave out in it
  created_at   BIGINT NOT NULL,
  revoked_at   BIGINT NOT NULL
);
CREATE INDEX payment_links_merchant ON payment_links (merchant_id, environment, created_at, id);

CREATE TABLE buttons (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL REFERENCES merchants (id),
  environment  TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  slug         TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  description  TEXT NOT NULL,
  mode         TEXT NOT NULL CHECK (mode IN ('fixed', 'customer')),
  currency     TEXT NOT NULL,
  amount       TEXT NOT NULL,
  min_amount   TEXT NOT NULL,
  max_amount   TEXT NOT NULL,
  min_quantity BIGINT NOT NULL,
  max_quantity BIGINT NOT NULL,
  stock        BIGINT NOT NULL,
  secret       TEXT NOT NULL, -- sealed
  success_url  TEXT NOT NULL,
  failure_url  TEXT NOT NULL,
  text         TEXT NOT NULL,
  colour       TEXT NOT NULL,
  held         BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  revoked_at   BIGINT NOT NULL
);
CREATE INDEX buttons_merchant ON buttons (merchant_id, environment, created_at, id);

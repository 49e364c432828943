-- +goose Up
-- Merchants' pictures, re-encoded by us, in base64. The merchant's look names the one that is shown.
CREATE TABLE merchant_logos (
  merchant_id TEXT NOT NULL REFERENCES merchants (id),
  name        TEXT NOT NULL,
  data        TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (merchant_id, name)
);

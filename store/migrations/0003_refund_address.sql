-- +goose Up
-- Where a payer wants money back to, and in which coin.
ALTER TABLE invoices ADD COLUMN refund_asset TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN refund_address TEXT NOT NULL DEFAULT '';

-- +goose Up
-- The height confirmations are counted from, on networks that say themselves what is final.
ALTER TABLE cursors ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;

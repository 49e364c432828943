-- +goose Up
-- How a merchant's customers meet their pages: a JSON document.
ALTER TABLE merchants ADD COLUMN look TEXT NOT NULL DEFAULT '{}';

package store

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps SQLite's statements parsed: a create runs sixteen of them, and parsing costs more than running. (pgx
// keeps PostgreSQL's by itself.)
type prepared struct {
	db *sql.DB

	mu     sync.RWMutex
	stmts  map[string]*sql.Stmt
	missed map[string]struct{} // asked for inside a transaction, to be parsed after it
}

// Bounds of the cache: lists of addresses make queries of every length, which are not worth keeping.
const (
	maxPrepared    = 256
	maxPreparedLen = 1800
)

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, stmts: map[string]*sql.Stmt{}, missed: map[string]struct{}{}}
}

// get finds a statement. One that is not there yet is noted: inside a transaction the only connection is taken, so it
// cannot be parsed now.
func (p *prepared) get(query string) *sql.Stmt {
	p.mu.RLock()
	stmt, room := p.stmts[query], len(p.stmts) < maxPrepared
	p.mu.RUnlock()
	if stmt == nil && room && len(query) <= maxPreparedLen {
		p.mu.Lock()
		p.missed[query] = struct{}{}
		p.mu.Unlock()
	}
	return stmt
}

// fill parses what was missed. A statement that does not parse is left to fail where it is used.
func (p *prepared) fill(ctx context.Context) {
	p.mu.RLock()
	none := len(p.missed) == 0
	p.mu.RUnlock()
	if none {
		return
	}
	p.mu.Lock()
	missed := p.missed
	p.missed = map[string]struct{}{}
	p.mu.Unlock()
	for query := range missed {
		stmt, err := p.db.PrepareContext(ctx, query)
		if err != nil {
			continue
		}
		p.mu.Lock()
		if _, there := p.stmts[query]; there || len(p.stmts) >= maxPrepared {
			_ = stmt.Close() // another reader was first, or there is no room left
		} else {
			p.stmts[query] = stmt
		}
		p.mu.Unlock()
	}
}

func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for query, stmt := range p.stmts {
		_ = stmt.Close() // the connection is closed next
		delete(p.stmts, query)
	}
}

// readers is the pool of read-only connections with its statements.
type readers struct {
	*sql.DB
	stmts *prepared
}

func (r readers) stmt(ctx context.Context, query string) *sql.Stmt {
	stmt := r.stmts.get(query)
	if stmt == nil {
		r.stmts.fill(ctx)
		stmt = r.stmts.get(query)
	}
	return stmt
}

// QueryContext runs a query, parsed once for each connection.
func (r readers) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := r.stmt(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return r.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a query for one row.
func (r readers) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := r.stmt(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return r.DB.QueryRowContext(ctx, query, args...)
}

// The three below stand before those of sql.Tx, so that whatever is run in a transaction uses parsed statements.

// ExecContext runs a statement.
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.parsed(query); stmt != nil {
		return t.Tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// QueryContext runs a query.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.parsed(query); stmt != nil {
		return t.Tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a query for one row.
func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.parsed(query); stmt != nil {
		return t.Tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

func (t *tx) parsed(query string) *sql.Stmt {
	if t.stmts == nil {
		return nil
	}
	return t.stmts.get(query)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// writer is SQLite's one writer with group commit: bodies that wait run one after another in one transaction, each
// under its own savepoint, and are answered after the commit. There is no timer: a lone body is committed at once, and
// while one group is being synced the next one gathers. A durable commit costs one sync, however many share it.
type writer struct {
	db    *sql.DB
	stmts *prepared
	jobs  chan *job
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
	dead  chan struct{} // closed when the storage failed
}

type job struct {
	ctx   context.Context
	db    *DB
	body  func(tx *tx) error
	after []func()
	err   error
	ready chan struct{}
}

// groupSize bounds a group, so that the first of it is not kept waiting by the last.
const groupSize = 256

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, stmts: newPrepared(db), jobs: make(chan *job, groupSize), quit: make(chan struct{}), done: make(chan struct{}), dead: make(chan struct{})}
	go w.loop()
	return w
}

// do hands a body over and waits for its commit. Once a body has begun its caller waits for the outcome even if ctx
// ends, so that nobody is told "no" about something that was kept.
func (w *writer) do(ctx context.Context, db *DB, body func(tx *tx) error) error {
	j := &job{ctx: ctx, db: db, body: body, ready: make(chan struct{})}
	select {
	case <-w.quit:
		return ErrClosed
	case <-w.dead:
		return ErrStorage
	case <-ctx.Done():
		return ctx.Err()
	case w.jobs <- j:
	}
	select {
	case <-j.ready:
	case <-w.done:
		select { // the loop may have ended right after answering
		case <-j.ready:
		default:
			return ErrClosed
		}
	}
	if j.err == nil {
		for _, f := range j.after {
			f()
		}
	}
	return j.err
}

func (w *writer) close() {
	w.once.Do(func() { close(w.quit) })
	<-w.done
	w.stmts.close()
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case j := <-w.jobs:
			w.group(w.gather(j))
		case <-w.quit:
			for { // what was handed over before the end is still kept
				select {
				case j := <-w.jobs:
					w.group(w.gather(j))
				default:
					return
				}
			}
		}
	}
}

func (w *writer) gather(first *job) []*job {
	group := []*job{first}
	for len(group) < groupSize {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// group runs a group. If its commit fails, each body is run again by itself: one bad body must not sink the others.
func (w *writer) group(jobs []*job) {
	err := w.run(jobs)
	for _, j := range jobs {
		if err == nil {
			break
		}
		if len(jobs) > 1 && !w.failed() {
			j.err = nil // it may have failed because of what a neighbour wrote, which is gone now
			if again := w.run([]*job{j}); again == nil {
				continue
			} else if j.err == nil {
				j.err = again
			}
		} else if j.err == nil {
			j.err = err
		}
	}
	for _, j := range jobs {
		close(j.ready)
	}
	w.stmts.fill(context.Background())
}

// run commits a group unless the storage has failed. After a failed sync nobody can say what is on the disk, and asking
// again may be answered wrongly: the process has to end, and the next one finds out.
func (w *writer) run(jobs []*job) error {
	if w.failed() {
		return ErrStorage
	}
	err := w.commit(jobs)
	if errors.Is(err, ErrStorage) {
		close(w.dead)
	}
	return err
}

func (w *writer) failed() bool {
	select {
	case <-w.dead:
		return true
	default:
		return false
	}
}

// commit runs bodies under savepoints and commits. Errors of bodies stay with their jobs; what it returns is the
// failure of the transaction itself.
func (w *writer) commit(jobs []*job) error {
	// The transaction belongs to all callers, so no single caller's context may end it.
	sqlTx, err := w.db.BeginTx(context.Background(), nil)
	if err != nil { // nothing has begun, so there is nothing to run again: all are told
		for _, j := range jobs {
			j.err = j.db.fail(err)
		}
		return nil
	}
	for _, j := range jobs {
		if j.err != nil {
			continue
		}
		if fatal := w.body(sqlTx, j); fatal != nil {
			return errors.Join(fatal, ignoreDone(sqlTx.Rollback()))
		}
	}
	if err := sqlTx.Commit(); err != nil {
		return errors.Join(jobs[0].db.fail(err), ignoreDone(sqlTx.Rollback()))
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// body runs one job under a savepoint; a failing body, or one that panics, rolls back to it alone.
func (w *writer) body(sqlTx *sql.Tx, j *job) (fatal error) {
	ctx := context.Background()
	if j.ctx.Err() != nil {
		j.err = j.ctx.Err()
		return nil
	}
	t := &tx{Tx: sqlTx, db: j.db, stmts: w.stmts, shared: true}
	if _, err := t.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return j.db.fail(err)
	}
	if err := guardPanic(func() error { return j.body(t) }); err != nil {
		j.err = err
		if _, err := t.ExecContext(ctx, "ROLLBACK TO job"); err != nil {
			return j.db.fail(err)
		}
	} else {
		j.after = t.after
	}
	_, err := t.ExecContext(ctx, "RELEASE job")
	return j.db.fail(err)
}

// guardPanic turns a panic of a body into its error: the writer serves everybody and must live on.
func guardPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: body panicked: %v", p)
		}
	}()
	return f()
}

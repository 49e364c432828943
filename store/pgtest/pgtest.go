// Package pgtest gives tests a real PostgreSQL: one server for a test binary, one database for a test.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// given names a server the tests may use instead of starting one: a DSN of a database from which others can be made.
const given = "CHECKOUT_TEST_POSTGRES"

// server is the one server of this process.
var server = sync.OnceValues(start) //nolint:gochecknoglobals // one server for the whole test binary is the point

var count atomic.Int64 //nolint:gochecknoglobals // names databases

// DSN makes a database of its own for a test. Without a PostgreSQL server on the machine the test is skipped, or fails
// if CHECKOUT_REQUIRE names "postgres".
func DSN(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// Copy makes a copy of another test's database, to which nobody is connected.
func Copy(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return create(t, " TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
}

func create(t testing.TB, template string) string {
	t.Helper()
	admin, err := server()
	if err != nil {
		if strings.Contains(os.Getenv("CHECKOUT_REQUIRE"), "postgres") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), count.Add(1))
	db, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, admin, name) })
	return strings.Replace(admin, "/postgres?", "/"+name+"?", 1)
}

func drop(t testing.TB, admin, name string) {
	db, err := sql.Open("pgx", admin)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		t.Error(err)
	}
}

// start starts a throw-away server. It ends with this process: a shell waits for our end of a pipe to close, however we
// go, and stops the server by its own process id.
func start() (string, error) {
	if dsn := os.Getenv(given); dsn != "" {
		if !strings.Contains(dsn, "/postgres?") {
			return "", fmt.Errorf("%s must name the database postgres and end in ?…", given)
		}
		return dsn, nil
	}
	bin, err := programs()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return "", err
	}
	attr, err := owner(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-k")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := run(bin, dir, data, port, attr); err != nil {
		return "", err
	}
	dsn := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return dsn, await(dsn)
}

// programs finds the newest server Debian installed, or the one on the path.
func programs() (string, error) {
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	sort.Strings(list)
	if len(list) > 0 {
		return filepath.Dir(list[len(list)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("no PostgreSQL server here: install the package postgresql")
}

// owner gives the folder to the user the server runs as: PostgreSQL refuses to run as root.
func owner(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{}
	if os.Getuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids of the system's own table
	return attr, nil
}

// freePort finds one below the ports outgoing connections use.
func freePort() (int, error) {
	for port := 20_000 + os.Getpid()%8000; port < 32_000; port++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port")
}

// lifeline is our end of the server's standard input. It is never closed by us, and kept here so that the collector does
// not close it either.
var lifeline io.Closer //nolint:gochecknoglobals,unused // kept, never used: it lives as long as the process

// script runs the server until its standard input closes, then removes the folder.
const script = `"$0" -D "$1" -c listen_addresses=127.0.0.1 -c port="$2" -c unix_socket_directories="$3" \
  -c max_connections=200 > "$3/log" 2>&1 & pid=$!
cat > /dev/null; kill -QUIT $pid; wait $pid; rm -rf "$3"`

func run(bin, dir, data string, port int, attr *syscall.SysProcAttr) error {
	attr.Setpgid = true // a signal to the tests must not end the server before it is stopped in order
	cmd := exec.Command("sh", "-c", script, filepath.Join(bin, "postgres"), data, strconv.Itoa(port), dir)
	cmd.SysProcAttr, cmd.Dir = attr, dir
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	lifeline = pipe
	return cmd.Start()
}

func await(dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := db.Ping()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

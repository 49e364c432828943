package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// drain is how long a stop may take before connections are cut.
const drain = 8 * time.Second

type serveCmd struct{}

// Run serves until it is told to stop.
func (serveCmd) Run(ctx context.Context, s *Settings, out *console) error {
	log := newLog(s, out.err)
	a, err := openApp(ctx, s, log, true)
	if err != nil {
		return err
	}
	defer a.close()
	return a.serve(ctx, out, nil)
}

func newLog(s *Settings, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // kong allows only levels
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

func (a *app) close() {
	if err := a.db.Close(); err != nil {
		a.log.Error("database not closed", "event", "close_failed", "err", err)
	}
}

// listeners are the two sockets; they are opened before anything runs, so that a taken port is told at once.
type listeners struct {
	public, internal net.Listener
}

func (s *Settings) open(ctx context.Context) (listeners, error) {
	var cfg net.ListenConfig
	public, err := cfg.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return listeners{}, setting("--listen (CHECKOUT_LISTEN)", "The public listener cannot be opened.").Because(err)
	}
	internal, err := cfg.Listen(ctx, "tcp", s.InternalListen)
	if err != nil {
		return listeners{}, errors.Join(setting("--internal-listen (CHECKOUT_INTERNAL_LISTEN)", "The internal listener cannot be opened.").Because(err), public.Close())
	}
	return listeners{public, internal}, nil
}

// base is the base of all links: the setting, or the public listener by the name it was given. The port is that of address,
// where it listens: the setting may leave it open.
func (s *Settings) base(address string) string {
	if s.PublicURL != "" {
		return strings.TrimRight(s.PublicURL, "/")
	}
	host, _, err := net.SplitHostPort(s.Listen)
	_, port, bad := net.SplitHostPort(address)
	if err != nil || bad != nil {
		return "http://" + address
	}
	return "http://" + reachable(net.JoinHostPort(host, port))
}

// reachable is a listener's address as this machine can call it: one that listens on every address has none of its own.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// serve opens the listeners, runs the workers, says where it listens, and drains when ctx ends. extra is called with the
// public and internal base before anything is served, for the demo.
func (a *app) serve(ctx context.Context, out *console, extra func(site *sites) error) error {
	a.contracts = &contracts{found: map[string]string{}}
	a.firstRates(ctx)
	ls, err := a.settings.open(ctx)
	if err != nil {
		return err
	}
	site := a.routes(a.settings.base(ls.public.Addr().String()), ls)
	if extra != nil {
		if err := extra(site); err != nil {
			return errors.Join(err, ls.public.Close(), ls.internal.Close())
		}
	}
	public := newServer(site.public(), a.log)
	internal := newServer(site.internal(), a.log)
	workers := append(append(a.workers(), a.extra...), a.server("public listener", public, ls.public), a.server("internal listener", internal, ls.internal))
	out.listening(site.base, "http://"+reachable(ls.internal.Addr().String()), site.local)
	for _, w := range a.watchers {
		network := w.Source.Network()
		if network.Main || network.Played {
			continue
		}
		a.log.Warn("coins of this network are worth nothing, and live keys take them", "event", "test_network", "network", network.ID)
	}
	return supervise(ctx, workers)
}

// firstRates reads the rates once before anybody is served, so that who asks right after the start gets a price; sources that
// take long are waited for no longer than this.
func (a *app) firstRates(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := a.rates.RunOnce(ctx); err != nil {
		a.log.Warn("rates not read", "event", "rates_failed", "err", err)
	}
}

// newServer has the limits of security.md rule 24.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 60 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// server is a listener as a worker: it drains when ctx ends.
func (a *app) server(name string, s *http.Server, l net.Listener) worker {
	return worker{name, func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- s.Serve(l) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := s.Shutdown(stop); err != nil {
			return errors.Join(s.Close(), ignoreDeadline(err))
		}
		return nil
	}}
}

func ignoreDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the connections that are left are cut
	}
	return err
}

// console is where commands write.
type console struct {
	out, err io.Writer
	json     bool
	invite   string // what to open first; the demo's
}

// listening says where the server listens.
func (c *console) listening(base, internal, public string) {
	if c.json {
		c.print(map[string]string{"base": base, "public": public, "internal": internal, "open": c.invite})
		return
	}
	fmt.Fprintf(c.out, "checkout %s\n  pages and API  %s\n  internal       %s\n", version, base, internal)
	if base != public {
		fmt.Fprintf(c.out, "  listening on   %s\n", public)
	}
	if c.invite != "" {
		fmt.Fprintf(c.out, "\n  Open %s and buy something. Ctrl-C ends it.\n", c.invite)
	}
}

// print writes one JSON value on one line.
func (c *console) print(v any) {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(c.err, "checkout:", err)
	}
}

// say writes a value: as JSON, or by its text.
func (c *console) say(v any, text string, args ...any) {
	if c.json {
		c.print(v)
		return
	}
	fmt.Fprintf(c.out, text+"\n", args...)
}

// Package regtest runs private Bitcoin networks: btcd nodes in regression-test mode, and a payer whose private key
// everybody knows. It is for tests and for the demo; no money is anywhere near it.
package regtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"checkout/chain/rpc"
)

// Timing of a node's start and stop. All waiting is by asking.
const (
	startTime = 30 * time.Second
	stopTime  = 10 * time.Second
	askEvery  = 20 * time.Millisecond
)

// generateAtOnce is how many blocks are asked for in one call, to stay within its time.
const generateAtOnce = 50

// Name and password of every node. It listens on this machine's loopback address only.
const (
	user     = "u"
	password = "p"
)

// Config says how to run a node.
type Config struct {
	Binary string // path of btcd
	Dir    string // where it keeps its files; made if it is not there
	// MiningAddress gets all new coins; PayerAddress if empty. Only coins of that address can be paid with.
	MiningAddress string
	Log           io.Writer // what the node prints; dropped if nil
}

// Process is a btcd node. Its methods are safe for concurrent use, but for Stop, Pause and Resume.
type Process struct {
	config         Config
	rpcPort, peers int // ports
	rpc            *rpc.Client
	command        *exec.Cmd
	ended          chan struct{} // closed when the process has ended
	kept           []string      // raw blocks, kept by Pause
}

// Start runs a node and waits until it answers. Stop it in the end.
func Start(ctx context.Context, c Config) (*Process, error) {
	if c.MiningAddress == "" {
		c.MiningAddress = PayerAddress
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	// Without a file of its own the node would read, or write, the one in the user's home.
	if err := os.WriteFile(filepath.Join(c.Dir, "btcd.conf"), nil, 0o600); err != nil {
		return nil, err
	}
	p := &Process{config: c}
	var err error
	if p.rpcPort, err = freePort(ctx); err != nil {
		return nil, err
	}
	if p.peers, err = freePort(ctx); err != nil {
		return nil, err
	}
	if p.rpc, err = rpc.New(rpc.Config{URL: p.URL()}); err != nil {
		return nil, err
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// freePort finds a port nothing listens on, below the range that systems take outgoing connections' ports from: one of
// those can be taken again between our look and the node's start.
func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	for range 100 {
		port := 10_000 + rand.IntN(32_768-10_000) //nolint:gosec // any port will do
		l, err := listen.Listen(ctx, "tcp", loopback(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port between 10000 and 32767")
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// run starts the program and waits until it answers.
func (p *Process) run(ctx context.Context) error {
	dir := p.config.Dir
	//nolint:gosec // the caller names the program
	p.command = exec.Command(p.config.Binary, "--regtest",
		"--configfile="+filepath.Join(dir, "btcd.conf"), "--datadir="+dir, "--logdir="+filepath.Join(dir, "log"),
		"--rpcuser="+user, "--rpcpass="+password, "--rpclisten="+loopback(p.rpcPort), "--notls",
		"--listen="+loopback(p.peers), "--nodnsseed", "--noonion", "--txindex", "--miningaddr="+p.config.MiningAddress)
	p.command.Stdout, p.command.Stderr = p.config.Log, p.config.Log
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("btcd: %w", err)
	}
	p.ended = make(chan struct{})
	go func() {
		_ = p.command.Wait() // that it ended is all there is to know; it is often told to
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	err := until(ctx, func() bool {
		_, err := p.Height(ctx)
		return err == nil || p.hasEnded()
	})
	if err == nil && p.hasEnded() {
		err = errors.New("it ended at once")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("btcd does not start: %w", err), p.Stop())
	}
	return nil
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// until asks again and again, until yes or the end of the context.
func until(ctx context.Context, yes func() bool) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for !yes() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// Stop ends the node and waits for it. Stopping twice does nothing.
func (p *Process) Stop() error {
	if p.hasEnded() {
		return nil
	}
	// An error means that it has ended by itself in this instant.
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
	}
	if err := p.command.Process.Kill(); err != nil {
		return fmt.Errorf("btcd does not stop: %w", err)
	}
	<-p.ended
	return nil
}

// Pause ends the node like Stop, but keeps its blocks for Resume: btcd throws the chain of a private network away when
// it starts.
func (p *Process) Pause(ctx context.Context) error {
	tip, err := p.Height(ctx)
	if err != nil {
		return err
	}
	p.kept = nil
	for height := int64(1); height <= tip; height++ {
		raw, err := p.rawBlock(ctx, height)
		if err != nil {
			return err
		}
		p.kept = append(p.kept, raw)
	}
	return p.Stop()
}

// Resume runs the node again after Pause, with the same best chain and address. Its mempool is empty, and it knows of no
// other branch.
func (p *Process) Resume(ctx context.Context) error {
	if err := p.run(ctx); err != nil {
		return err
	}
	for _, raw := range p.kept {
		if err := p.rpc.Call(ctx, nil, "submitblock", raw); err != nil {
			return err
		}
	}
	return nil
}

func (p *Process) rawBlock(ctx context.Context, height int64) (raw string, err error) {
	hash, err := p.HashAt(ctx, height)
	if err != nil {
		return "", err
	}
	return raw, p.rpc.Call(ctx, &raw, "getblock", hash, 0)
}

// URL is the node's RPC address, name and password included.
func (p *Process) URL() string {
	return "http://" + user + ":" + password + "@" + loopback(p.rpcPort)
}

// Client speaks to the node, for calls that are not here.
func (p *Process) Client() *rpc.Client { return p.rpc }

// Generate mines n blocks and names them. They confirm what is in the mempool.
func (p *Process) Generate(ctx context.Context, n int) ([]string, error) {
	var all []string
	for n > 0 {
		part := min(n, generateAtOnce)
		var hashes []string
		if err := p.rpc.Call(ctx, &hashes, "generate", part); err != nil {
			return nil, err
		}
		all = append(all, hashes...)
		n -= part
	}
	return all, nil
}

// Height is the height of the best chain.
func (p *Process) Height(ctx context.Context) (height int64, err error) {
	return height, p.rpc.Call(ctx, &height, "getblockcount")
}

// Best is the hash of the last block of the best chain.
func (p *Process) Best(ctx context.Context) (hash string, err error) {
	return hash, p.rpc.Call(ctx, &hash, "getbestblockhash")
}

// HashAt is the hash of the block at a height of the best chain.
func (p *Process) HashAt(ctx context.Context, height int64) (hash string, err error) {
	return hash, p.rpc.Call(ctx, &hash, "getblockhash", height)
}

// Invalidate makes the node leave a block and all that follow it. Their transactions go back to the mempool.
func (p *Process) Invalidate(ctx context.Context, hash string) error {
	return p.rpc.Call(ctx, nil, "invalidateblock", hash)
}

// Mempool lists the ids of the unconfirmed transactions.
func (p *Process) Mempool(ctx context.Context) (ids []string, err error) {
	return ids, p.rpc.Call(ctx, &ids, "getrawmempool")
}

// Broadcast gives the node a raw transaction, in hex, and says its id.
func (p *Process) Broadcast(ctx context.Context, raw string) (id string, err error) {
	return id, p.rpc.Call(ctx, &id, "sendrawtransaction", raw)
}

// Connect makes this node a peer of another and waits until it is one.
func (p *Process) Connect(ctx context.Context, other *Process) error {
	if err := p.rpc.Call(ctx, nil, "addnode", loopback(other.peers), "onetry"); err != nil {
		return err
	}
	return p.waitPeers(ctx, other, true)
}

// Disconnect ends what Connect made: call it on the same node.
func (p *Process) Disconnect(ctx context.Context, other *Process) error {
	if err := p.rpc.Call(ctx, nil, "node", "disconnect", loopback(other.peers)); err != nil {
		return err
	}
	return p.waitPeers(ctx, other, false)
}

// waitPeers waits until the other node is a peer, for both sides, or until it is none for this side.
func (p *Process) waitPeers(ctx context.Context, other *Process, connected bool) error {
	return until(ctx, func() bool {
		var here []struct {
			Address string `json:"addr"`
		}
		var there int
		if p.rpc.Call(ctx, &here, "getpeerinfo") != nil || other.rpc.Call(ctx, &there, "getconnectioncount") != nil {
			return false
		}
		for _, peer := range here {
			if peer.Address == loopback(other.peers) {
				return connected && there > 0
			}
		}
		return !connected
	})
}

// Package devnet runs a private EVM network: an anvil node, with funded accounts, tokens of any kind, and contracts that do
// what payers' wallets and swindlers do. The tests and the demo use it; no private key is needed, the node signs.
package devnet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"checkout/chain/rpc"
)

// ChainID is the id of the private network (EIP-155), anvil's own.
const ChainID = 31337

// Limits of starting and stopping.
const (
	startTime = 20 * time.Second
	stopTime  = 5 * time.Second
)

// Config says how to run the node.
type Config struct {
	Binary  string        // path of anvil
	Every   time.Duration // a block each so often, whole seconds; 0: only when Mine is called
	ChainID int64         // ChainID if 0
	Log     io.Writer     // what the node prints; dropped if nil
}

// Process is an anvil node. Its methods are safe for concurrent use, but for Stop.
type Process struct {
	rpc      *rpc.Client
	url      string
	command  *exec.Cmd
	ended    chan struct{} // closed when the process has ended
	mining   bool          // blocks come by themselves
	accounts []string
}

// Start runs a node and waits until it answers. Stop it in the end.
func Start(ctx context.Context, c Config) (*Process, error) {
	if c.ChainID == 0 {
		c.ChainID = ChainID
	}
	arguments := []string{"--host", "127.0.0.1", "--port", "0", "--chain-id", strconv.FormatInt(c.ChainID, 10)}
	if c.Every > 0 {
		arguments = append(arguments, "--block-time", strconv.FormatInt(int64(c.Every/time.Second), 10))
	} else {
		arguments = append(arguments, "--no-mining")
	}
	p := &Process{command: exec.Command(c.Binary, arguments...), ended: make(chan struct{}), mining: c.Every > 0} //nolint:gosec,noctx // the caller names the program; Stop ends it
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("anvil: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		listen(output, address, c.Log)
		_ = p.command.Wait() // that it ended is all there is to know; it is often told to
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case at := <-address:
		p.url = "http://" + at
	case <-p.ended:
		return nil, errors.New("anvil ended at once")
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("anvil does not start: %w", ctx.Err()), p.Stop())
	}
	if p.rpc, err = rpc.New(rpc.Config{URL: p.url}); err == nil {
		err = p.rpc.Call(ctx, &p.accounts, "eth_accounts")
	}
	if err == nil && len(p.accounts) < 3 {
		err = errors.New("anvil has no accounts")
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// listen reads what the node prints: first where it listens, the rest is for the log.
func listen(output io.Reader, address chan<- string, log io.Writer) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok {
			select {
			case address <- at:
			default:
			}
		}
		if log != nil {
			_, _ = fmt.Fprintln(log, lines.Text()) // a log that cannot be written is no reason to end the node
		}
	}
}

// Stop ends the node and waits for it. Stopping twice does nothing.
func (p *Process) Stop() error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // an error means that it has ended by itself in this instant
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
	}
	if err := p.command.Process.Kill(); err != nil {
		return fmt.Errorf("anvil does not stop: %w", err)
	}
	<-p.ended
	return nil
}

// URL is the node's RPC address.
func (p *Process) URL() string { return p.url }

// Client speaks to the node, for calls that are not here.
func (p *Process) Client() *rpc.Client { return p.rpc }

// Account is one of the node's funded accounts, 0 to 9.
func (p *Process) Account(i int) string { return p.accounts[i] }

// Height is the number of the newest block.
func (p *Process) Height(ctx context.Context) (int64, error) {
	var text string
	if err := p.rpc.Call(ctx, &text, "eth_blockNumber"); err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimPrefix(text, "0x"), 16, 64)
}

// Mine adds blocks; the first takes what waits.
func (p *Process) Mine(ctx context.Context, blocks int) error {
	return p.rpc.Call(ctx, nil, "anvil_mine", quantity(big.NewInt(int64(blocks))))
}

// Reorg puts other blocks in the place of the last depth ones, and one more on top. What the lost ones held is lost.
func (p *Process) Reorg(ctx context.Context, depth int) error {
	if err := p.rpc.Call(ctx, nil, "anvil_reorg", depth, []any{}); err != nil {
		return err
	}
	return p.Mine(ctx, 1)
}

// Replay is a Reorg whose new branch holds a transaction again, in its block number at (0 is the lowest). With a Tip it has
// the id it had.
func (p *Process) Replay(ctx context.Context, depth int, tx Tx, at int) error {
	if tx.From == "" {
		tx.From = p.accounts[0]
	}
	pairs := []any{[]any{tx.request(), at}}
	if err := p.rpc.Call(ctx, nil, "anvil_reorg", depth, pairs); err != nil {
		return err
	}
	return p.Mine(ctx, 1)
}

func quantity(n *big.Int) string { return "0x" + n.Text(16) }

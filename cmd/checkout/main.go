// Command checkout is a self-hosted crypto checkout and invoice server in one file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"checkout/fault"
)

// version is set by the build.
var version = "0.1.0-dev" //nolint:gochecknoglobals // the linker writes it

// cli is the whole command line. Every setting is also an environment variable, and may stand in the file --config
// names; a flag beats the environment, and that beats the file.
type cli struct {
	Settings `embed:""`

	Serve     serveCmd     `cmd:"" help:"Serve the checkout: pages, merchant API, watchers and callbacks."`
	Demo      demoCmd      `cmd:"" help:"Serve with a demo shop on a played chain: nothing to set up."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database schema up to date, or show what that would do."`
	Merchant  merchantCmd  `cmd:"" help:"Merchants and their keys."`
	Wallet    walletCmd    `cmd:"" help:"Merchants' wallets."`
	Invoice   invoiceCmd   `cmd:"" help:"Invoices."`
	Deposit   depositCmd   `cmd:"" help:"Permanent deposit addresses."`
	Terminal  terminalCmd  `cmd:"" help:"Terminals: tills in the browser."`
	Link      linkCmd      `cmd:"" help:"Payment links and their posters."`
	Button    buttonCmd    `cmd:"" help:"Buy-now buttons."`
	Unmatched unmatchedCmd `cmd:"" help:"Payments to shared addresses whose tag is nobody's."`
	Webhook   webhookCmd   `cmd:"" help:"Callbacks to merchants' servers."`
	Chain     chainCmd     `cmd:"" help:"The chains that are followed."`
	Audit     auditCmd     `cmd:"" help:"The audit chain."`
	Version   versionCmd   `cmd:"" help:"Show the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("checkout"), kong.Description("A self-hosted crypto checkout."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Configuration(loadTOML), kong.Vars{"version": version})
	if err != nil {
		fmt.Fprintln(stderr, "checkout:", err)
		return 2
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help
	}
	if err != nil {
		fmt.Fprintln(stderr, "checkout:", err)
		return 2
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run(&c.Settings, &console{out: stdout, err: stderr, json: c.JSON})
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintln(stderr, "checkout:", sentence(err))
	return 1
}

// sentence says what went wrong in words an operator can use: a fault's own sentence names the setting, everything else
// is told as it is.
func sentence(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		return err.Error()
	}
	text := f.Text
	if f.Field != "" {
		text = f.Field + ": " + text
	}
	if f.Err != nil {
		text += " (" + f.Err.Error() + ")"
	}
	return text
}

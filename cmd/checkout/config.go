package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"crypto/rand"
	"encoding/hex"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"checkout/chain"
	"checkout/fault"
	"checkout/rate/feed"
	"checkout/seal"
)

// Settings are what every command understands. The names of flags and variables are a public contract.
type Settings struct {
	DB             string            `name:"db" env:"CHECKOUT_DB" default:"sqlite:./checkout.db" help:"Database: sqlite:PATH or postgres://…" placeholder:"DSN"`
	Listen         string            `env:"CHECKOUT_LISTEN" default:"127.0.0.1:8080" help:"Address of the public listener." placeholder:"HOST:PORT"`
	InternalListen string            `env:"CHECKOUT_INTERNAL_LISTEN" default:"127.0.0.1:8081" help:"Address of the internal listener: /healthz, /readyz, /metrics." placeholder:"HOST:PORT"`
	PublicURL      string            `env:"CHECKOUT_PUBLIC_URL" help:"Base of all links, as customers reach it. Default: the public listener." placeholder:"URL"`
	MasterKey      string            `env:"CHECKOUT_MASTER_KEY" help:"Key that seals secrets in the database: 32 bytes as hex or base64." placeholder:"KEY"`
	MasterKeyFile  string            `env:"CHECKOUT_MASTER_KEY_FILE" help:"File that holds the master key. With SQLite it is made on the first run, beside the database." placeholder:"FILE"`
	BitcoinRPC     string            `name:"bitcoin-rpc" env:"CHECKOUT_BITCOIN_RPC" help:"Bitcoin node: http://user:pass@host:port" placeholder:"URL"`
	BitcoinCookie  string            `env:"CHECKOUT_BITCOIN_COOKIE" help:"Cookie file of the Bitcoin node, instead of user and password." placeholder:"FILE"`
	BitcoinCA      string            `name:"bitcoin-ca" env:"CHECKOUT_BITCOIN_CA" help:"Certificate file of a Bitcoin node with https." placeholder:"FILE"`
	BitcoinNetwork string            `env:"CHECKOUT_BITCOIN_NETWORK" default:"mainnet" help:"mainnet, testnet4, signet or regtest." placeholder:"NAME"`
	RPC            map[string]string `name:"rpc" env:"CHECKOUT_RPC" help:"Nodes of other networks: ethereum=https://…; several of one network, with spaces between them, stand in for each other." placeholder:"NETWORK=URL"`
	Finality       map[string]string `env:"CHECKOUT_FINALITY" help:"What an EVM network must call a block besides its confirmations: arbitrum=finalized, or safe." placeholder:"NETWORK=TAG"`
	Tokens         map[string]string `env:"CHECKOUT_TOKENS" help:"More tokens, by their contracts: USDX@ethereum=0x…/18" placeholder:"CODE@NETWORK=CONTRACT/DECIMALS"`
	Confirmations  map[string]int64  `env:"CHECKOUT_CONFIRMATIONS" help:"Blocks that make a payment final, for each coin, or each asset: BTC=2, usdt-ethereum=20" placeholder:"COIN=N"`
	RatesFile      string            `env:"CHECKOUT_RATES_FILE" help:"JSON file of prices, {\"BTC/EUR\":\"50000\"}, read again when it changes." placeholder:"FILE"`
	AllowPrivate   bool              `name:"allow-private-webhooks" env:"CHECKOUT_ALLOW_PRIVATE_WEBHOOKS" help:"Let callbacks go to private and loopback addresses: for tests and shops on this machine."`
	TrustedProxies []string          `env:"CHECKOUT_TRUSTED_PROXIES" help:"Addresses or networks of reverse proxies whose X-Forwarded-For is believed." placeholder:"CIDR"`
	HideAfter      time.Duration     `env:"CHECKOUT_HIDE_AFTER" default:"2m" help:"A coin is not offered once its node has been out of reach for this long."`
	LogLevel       string            `env:"CHECKOUT_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	JSON           bool              `name:"json" env:"CHECKOUT_JSON" help:"Answer in JSON."`
	playedTokens   bool              // the demo plays a second network, with a token
	Config         kong.ConfigFlag   `env:"CHECKOUT_CONFIG" help:"TOML file with any of these settings." placeholder:"FILE"`
}

// setting makes the one sentence a bad setting is refused with.
func setting(name, text string) *fault.Error {
	return fault.New(fault.Invalid, "setting", text).At(name)
}

// check refuses bad settings before anything is opened.
func (s *Settings) check() error {
	if !strings.HasPrefix(s.DB, "sqlite:") && !strings.HasPrefix(s.DB, "postgres://") && !strings.HasPrefix(s.DB, "postgresql://") {
		return setting("--db (CHECKOUT_DB)", "The database must be sqlite:PATH or postgres://…")
	}
	for name, address := range map[string]string{"--listen (CHECKOUT_LISTEN)": s.Listen, "--internal-listen (CHECKOUT_INTERNAL_LISTEN)": s.InternalListen} {
		if _, port, err := net.SplitHostPort(address); err != nil || !validPort(port) {
			return setting(name, "A listener is HOST:PORT, like 127.0.0.1:8080.")
		}
	}
	if s.PublicURL != "" {
		u, err := url.Parse(s.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
			return setting("--public-url (CHECKOUT_PUBLIC_URL)", "The public URL is https://HOST, without a path.")
		}
	}
	if _, _, ok := chain.Bitcoin(s.BitcoinNetwork); !ok {
		return setting("--bitcoin-network (CHECKOUT_BITCOIN_NETWORK)", "The Bitcoin network is mainnet, testnet4, signet or regtest.")
	}
	if s.BitcoinRPC != "" {
		u, err := url.Parse(s.BitcoinRPC)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return setting("--bitcoin-rpc (CHECKOUT_BITCOIN_RPC)", "The Bitcoin node is http://user:pass@host:port.")
		}
	}
	if s.HideAfter < 5*time.Second {
		return setting("--hide-after (CHECKOUT_HIDE_AFTER)", "A coin may be hidden after 5 seconds at the earliest.")
	}
	if _, err := s.proxies(); err != nil {
		return err
	}
	registry, err := s.registry()
	if err != nil || s.RatesFile == "" {
		return err
	}
	if _, err := s.prices(registry, time.Now).Read(context.Background()); err != nil {
		return setting("--rates-file (CHECKOUT_RATES_FILE)", "The rates file cannot be used.").Because(err)
	}
	return nil
}

// prices is the rates file.
func (s *Settings) prices(r *chain.Registry, now func() time.Time) *feed.File {
	return &feed.File{Path: s.RatesFile, Currency: r.Currency, Now: now}
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

func (s *Settings) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range s.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, setting("--trusted-proxies (CHECKOUT_TRUSTED_PROXIES)", "A trusted proxy is an address or a network like 10.0.0.0/8.")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		list = append(list, p)
	}
	return list, nil
}

// registry is the table of networks and assets these settings make.
func (s *Settings) registry() (*chain.Registry, error) {
	bitcoin, btc, ok := chain.Bitcoin(s.BitcoinNetwork)
	if !ok {
		return nil, setting("--bitcoin-network (CHECKOUT_BITCOIN_NETWORK)", "The Bitcoin network is mainnet, testnet4, signet or regtest.")
	}
	played, ltct := chain.Rehearsal()
	others, err := s.joined()
	if err != nil {
		return nil, err
	}
	if err := s.checkFinality(others); err != nil {
		return nil, err
	}
	networks, assets := []chain.Network{bitcoin}, []chain.Asset{btc}
	for _, j := range others {
		networks, assets = append(networks, j.network), append(assets, j.assets...)
	}
	networks, assets = append(networks, played), append(assets, ltct, chain.RehearsalToken())
	if s.playedTokens {
		network, token := chain.RehearsalEVM()
		networks, assets = append(networks, network), append(assets, token)
	}
	if err := s.confirm(assets); err != nil {
		return nil, err
	}
	return chain.NewRegistry(networks, assets)
}

// confirm sets the confirmations the operator wants, of all assets of a coin, then of those that are named themselves.
func (s *Settings) confirm(assets []chain.Asset) error {
	for name, n := range s.Confirmations {
		found := slices.ContainsFunc(assets, func(a chain.Asset) bool { return a.Currency.Code == name || a.ID == name })
		if !found || n < 1 || n > 1000 {
			return setting("--confirmations (CHECKOUT_CONFIRMATIONS)", "Confirmations are COIN=N with a coin of this installation and N from 1 to 1000.")
		}
	}
	for i, a := range assets {
		if n, ok := s.Confirmations[a.Currency.Code]; ok {
			assets[i].Confirmations = n
		}
		if n, ok := s.Confirmations[a.ID]; ok {
			assets[i].Confirmations = n
		}
	}
	return nil
}

// network finds the network an operator means: "bitcoin" is the configured one, whichever it is.
func (s *Settings) network(r *chain.Registry, name string) (chain.Network, error) {
	for _, n := range r.Networks() {
		if n.ID == name || (name == "bitcoin" && n.Coin == "BTC") {
			return n, nil
		}
	}
	var known []string
	for _, n := range r.Networks() {
		if !n.Played {
			known = append(known, n.ID)
		}
	}
	return chain.Network{}, setting("--network", "The network is bitcoin, or one that has a node: "+strings.Join(known, ", ")+".")
}

// masterKey finds the key that seals secrets: the variable, the file, or with SQLite a file beside the database. A key
// that has to be made is kept by keep, which the caller runs once the database is known to want a new one.
func (s *Settings) masterKey() (key []byte, keep func() error, err error) {
	none := func() error { return nil }
	if s.MasterKey != "" {
		key, err := seal.ParseKey(s.MasterKey)
		if err != nil {
			return nil, nil, setting("--master-key (CHECKOUT_MASTER_KEY)", seal.ErrKey.Text)
		}
		return key, none, nil
	}
	path := s.MasterKeyFile
	file, isSQLite := strings.CutPrefix(s.DB, "sqlite:")
	if path == "" && isSQLite {
		path = file + ".key"
	}
	if path == "" {
		return nil, nil, setting("CHECKOUT_MASTER_KEY", "PostgreSQL needs a master key: set CHECKOUT_MASTER_KEY or --master-key-file, the same on every node.")
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the operator names the path
	if err == nil {
		key, err := seal.ParseKey(string(raw))
		if err != nil {
			return nil, nil, setting("--master-key-file", seal.ErrKey.Text)
		}
		return key, none, nil
	}
	if !errors.Is(err, os.ErrNotExist) || !isSQLite {
		return nil, nil, setting("--master-key-file", "The master key file cannot be read.").Because(err)
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, err
	}
	return key, func() error { return writeKey(path, key) }, nil
}

// writeKey never writes over a key that is there.
func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // beside the database
	if err != nil {
		return fmt.Errorf("master key file: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// loadTOML lets kong read the file --config names. kong asks a resolver before the environment, so it stays silent about
// whatever the environment sets; and it would pass unknown names, so they are refused.
func loadTOML(r io.Reader) (kong.Resolver, error) {
	var values map[string]any
	if _, err := toml.NewDecoder(r).Decode(&values); err != nil {
		return nil, err
	}
	return &tomlFile{values: values}, nil
}

type tomlFile struct{ values map[string]any }

// Validate refuses names that are no settings.
func (t *tomlFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, f := range app.AllFlags(false) {
		for _, flag := range f {
			known[flag.Name] = true
		}
	}
	for name := range t.values {
		if !known[name] {
			return fmt.Errorf("configuration file: %q is no setting", name)
		}
	}
	return nil
}

// Resolve gives a flag's value in the file.
func (t *tomlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil //nolint:nilnil // kong's word for "not here"
		}
	}
	return t.values[flag.Name], nil
}

package main

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"checkout/payterm"
)

// TestTerminalCommands: a till is made, listed, shown and switched off, and nobody else's is listed.
func TestTerminalCommands(t *testing.T) {
	in := open(t, "", "")
	m := string(in.m.ID)
	var made, shown, bare terminalView
	in.cli(&made, "terminal", "create", "--merchant", m, "--test", "--name", "Till 2", "--currency", "EUR", "--min", "1", "--max", "500", "--tips", "5,10,15", "--pin", "24681357")
	if !strings.HasSuffix(made.URL, "/t/"+made.Token) || made.Mode != payterm.ModeKeypad || made.Min != "1.00" || made.Max != "500.00" || len(made.Tips) != 3 || !made.PIN || made.Env != "test" {
		t.Errorf("made %+v", made)
	}
	in.cli(&bare, "terminal", "create", "--merchant", m, "--test", "--name", "Topup", "--mode", "deposit")
	for _, name := range []string{made.Token, string(made.ID)} {
		in.cli(&shown, "terminal", "show", name)
		if !reflect.DeepEqual(shown, made) {
			t.Errorf("shown %+v", shown)
		}
	}
	var list []terminalView
	in.cli(&list, "terminal", "list", "--merchant", m, "--test")
	if !reflect.DeepEqual(list, []terminalView{made, bare}) {
		t.Errorf("listed %+v", list)
	}
	in.cli(&list, "terminal", "list", "--merchant", m)
	if len(list) != 0 {
		t.Errorf("listed among live ones: %+v", list)
	}
	in.cli(&shown, "terminal", "revoke", made.Token)
	if shown.Revoked == "" {
		t.Error("revoked, but in use")
	}
	for flags, want := range map[string]string{
		"--name Till --currency BTC": "ISO 4217", "--name Till --currency EUR --min 0": "--min", "--name Till --currency EUR --amount 5": "typed here", "--name Till --min 5": "--currency",
		"--name Till --currency EUR --mode fixed": "above zero", "--name Till --currency EUR --tips 0": "percentages", "--name Till --currency EUR --pin 12": "4 to 8 digits",
		"--name Till --currency EUR --mode till": "--mode", "--name Till --currency EUR --max 0.001": "--max",
	} {
		in.refused(want, append([]string{"terminal", "create", "--merchant", m}, strings.Fields(flags)...)...)
	}
	in.refused("no such terminal", "terminal", "show", "7K3M9Q2X7K3M9Q2X7K3M9Q2X7K")
	if _, said, _ := runs(t, nil, append(in.plain(), "terminal", "list", "--merchant", m, "--test")...); strings.Contains(said, "24681357") || !strings.Contains(said, "/t/"+made.Token) {
		t.Errorf("in words: %s", said)
	}
}

// refused wants a command to fail with words about why.
func (in *installation) refused(want string, args ...string) {
	in.t.Helper()
	if out, err := in.command(args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
		in.t.Errorf("%v: %v %s, want %q", args, err, out, want)
	}
}

// plain are the settings of an installation for commands in this process that answer in words.
func (in *installation) plain() []string {
	var flags []string
	for _, pair := range in.env {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "CHECKOUT_DB":
			flags = append(flags, "--db", value)
		case "CHECKOUT_MASTER_KEY":
			flags = append(flags, "--master-key", value)
		}
	}
	return flags
}

func TestLinkCommands(t *testing.T) {
	in := open(t, "", "")
	m := string(in.m.ID)
	var made, fixed, gifts, shown linkView
	in.cli(&made, "link", "create", "--merchant", m, "--test", "--title", "Gift card", "--currency", "EUR", "--min", "5", "--max", "200", "--suggest", "10,25.50", "--stock", "7",
		"--expires", "72h", "--message", "Come again", "--success-url", "https://shop.example/?i={ID}", "--field", "Name", "--field", "Street, town?", "--private")
	if !strings.HasSuffix(made.URL, "/l/"+made.Slug) || !strings.HasSuffix(made.Poster, "/l/"+made.Slug+"/poster?size=a4") || made.Mode != payterm.ModeCustomer || made.Stock != 7 ||
		!reflect.DeepEqual(made.Suggestions, []string{"10.00", "25.50"}) || !reflect.DeepEqual(made.Fields, []payterm.Field{{Name: "Name", Required: true}, {Name: "Street, town"}}) ||
		made.Expires == "" || !made.Private || made.Standing != payterm.StandingOpen {
		t.Errorf("made %+v", made)
	}
	in.cli(&fixed, "link", "create", "--merchant", m, "--test", "--title", "Ticket", "--currency", "JPY", "--amount", "1250", "--expires", "2100-01-31T12:00:00Z")
	in.cli(&gifts, "link", "create", "--merchant", m, "--test", "--title", "Donations", "--any")
	if fixed.Mode != payterm.ModeFixed || fixed.Amount != "1250" || fixed.Expires != "2100-01-31T12:00:00Z" || gifts.Mode != payterm.ModeDeposit {
		t.Errorf("made %+v %+v", fixed, gifts)
	}
	for _, name := range []string{made.Slug, strings.ToLower(made.Slug), string(made.ID)} {
		in.cli(&shown, "link", "show", name)
		if !reflect.DeepEqual(shown, made) {
			t.Errorf("shown %+v", shown)
		}
	}
	var list []linkView
	in.cli(&list, "link", "list", "--merchant", m, "--test")
	if !reflect.DeepEqual(list, []linkView{made, fixed, gifts}) {
		t.Errorf("listed %+v", list)
	}
	in.cli(&shown, "link", "revoke", strings.ToLower(made.Slug))
	if shown.Revoked == "" || shown.Standing != payterm.StandingRevoked {
		t.Errorf("revoked: %+v", shown)
	}
	for flags, want := range map[string]string{
		"--any --amount 5": "--any", "--currency EUR --amount 0": "--amount", "--currency EUR --amount 5 --expires yesterday": "--expires",
		"--currency EUR --amount 5 --expires 2020-01-01T00:00:00Z": "in the past", "--currency EUR --amount 5 --suggest 5": "suggested", "--currency EUR --min 9 --max 5": "in this order",
		"--currency EUR --suggest x": "--suggest", "--any --stock 1": "stock", "--currency EUR --success-url javascript:x": "https", "--amount 5": "--currency", "--currency EUR --amount 99999999.99": "nine digits",
	} {
		in.refused(want, append([]string{"link", "create", "--merchant", m, "--title", "x"}, strings.Fields(flags)...)...)
	}
	in.refused("no such payment link", "link", "show", "0000000000")
}

func TestButtonCommands(t *testing.T) {
	in := open(t, "", "", "CHECKOUT_PUBLIC_URL=https://pay.example.test")
	m := string(in.m.ID)
	var made, shown, typed buttonView
	in.cli(&made, "button", "create", "--merchant", m, "--test", "--name", "Mug", "--currency", "EUR", "--amount", "12.5", "--quantity", "1-10",
		"--success-url", "https://shop.example/ok", "--text", `Buy "now" <b>`, "--color", "#F7931A")
	if made.URL != "https://pay.example.test/b/"+made.Slug || made.Amount != "12.50" || made.MaxQuantity != 10 || made.MinQuantity != 1 || len(made.Secret) < 32 || made.Colour != "#f7931a" {
		t.Errorf("made %+v", made)
	}
	in.cli(&typed, "button", "create", "--merchant", m, "--test", "--name", "Donation", "--currency", "KWD", "--min", "1")
	for _, name := range []string{made.Slug, strings.ToLower(made.Slug), string(made.ID)} {
		in.cli(&shown, "button", "show", name)
		if !reflect.DeepEqual(shown, made) {
			t.Errorf("shown %+v", shown)
		}
	}
	var list []buttonView
	in.cli(&list, "button", "list", "--merchant", m, "--test")
	if len(list) != 2 || list[0].ID != made.ID || list[0].Secret != "" {
		t.Errorf("listed %+v", list)
	}
	form := elements(t, made.Snippets.Form)
	if f := form["form"]; f["action"] != made.URL || f["method"] != "post" || len(form["script"]) > 0 || form["input"]["name"] != "quantity" || form["input"]["max"] != "10" {
		t.Errorf("form %s", made.Snippets.Form)
	}
	if !strings.Contains(made.Snippets.Form, "Buy &#34;now&#34; &lt;b&gt; — 12.50 EUR") || strings.Contains(made.Snippets.Form, "12.50\"") {
		t.Errorf("the text of the button: %s", made.Snippets.Form)
	}
	modal := elements(t, made.Snippets.Modal)
	if s := modal["script"]; s["src"] != "https://pay.example.test/embed/v1.js" || !strings.HasPrefix(s["integrity"], "sha384-") || modal["form"]["action"] != made.URL {
		t.Errorf("modal %s", made.Snippets.Modal)
	}
	if a := elements(t, made.Snippets.Link)["a"]; a["href"] != made.URL {
		t.Errorf("link %s", made.Snippets.Link)
	}
	if i := elements(t, typed.Snippets.Form)["input"]; i["name"] != "amount" || i["min"] != "1.000" || i["step"] != "0.001" {
		t.Errorf("an amount to type: %s", typed.Snippets.Form)
	}
	in.cli(&shown, "button", "revoke", made.Slug)
	if shown.Revoked == "" {
		t.Error("revoked, but on sale")
	}
	for flags, want := range map[string]string{
		"--currency BTC --amount 1": "ISO 4217", "--currency EUR --amount 5 --quantity few": "--quantity", "--currency EUR --amount 5 --quantity 5-1": "in order",
		"--currency EUR --amount 5 --color red": "#rrggbb", "--currency EUR --amount 5 --quantity 2 --stock 9": "one by one", "--currency EUR --quantity 2": "by the piece", "--currency EUR --amount 5 --quantity 1000": "999",
	} {
		in.refused(want, append([]string{"button", "create", "--merchant", m, "--name", "x"}, strings.Fields(flags)...)...)
	}
	in.refused("no such product", "button", "revoke", "0000000000")
}

// elements parses a snippet: the attributes of the last element of each name.
func elements(t *testing.T, text string) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	z := html.NewTokenizer(strings.NewReader(text))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		if token.Type != html.StartTagToken {
			continue
		}
		found[token.Data] = map[string]string{}
		for _, a := range token.Attr {
			found[token.Data][a.Key] = a.Val
		}
	}
	if err := z.Err(); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Error(errors.Join(errors.New(text), err))
	}
	return found
}

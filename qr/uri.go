// Package qr makes what a payer's wallet reads: payment URIs, their QR codes, links into wallets, and the transactions a
// wallet in the browser is asked to send. Payment is the way in; which text an asset gets, and which comes first, is
// decided in payment.go.
package qr

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"checkout/chain"
	"checkout/money"
)

// The longest label and message of a link, in characters.
const (
	maxLabel   = 40
	maxMessage = 60
)

// URI asks a wallet for a payment: "bitcoin:bc1q…?amount=0.00044007" (BIP21, BIP321). It is what the QR code says and
// what is given to programs. The amount is in whole coins, exact, without zeros at the end; it is left out when
// nothing is due, because an amount of 0 makes wallets ask for nothing, and when it is of another currency than the
// asset. The address must be one that was checked: it is written as it is, and one that begins with the scheme, like
// Bitcoin Cash's, does not get it twice.
func URI(asset chain.Asset, address string, due money.Amount) string {
	return build(asset, address, due, "", "")
}

// Link is URI with a label (whom it is paid to, at most 40 characters) and a message (what for, at most 60) for a link
// a payer taps. Neither goes into a QR code: they make it finer and harder to scan. Longer text is cut, control
// characters are dropped, and nothing is written for empty text.
func Link(asset chain.Asset, address string, due money.Amount, label, message string) string {
	return build(asset, address, due, clean(label, maxLabel), clean(message, maxMessage))
}

func build(asset chain.Asset, address string, due money.Amount, label, message string) string {
	if asset.Scheme == "" {
		return "" // nothing wallets know it by
	}
	q := query{base: address}
	if !strings.HasPrefix(address, asset.Scheme+":") {
		q.base = asset.Scheme + ":" + address
	}
	if due.Sign() > 0 && due.Currency() == asset.Currency {
		q.add("amount", due.Plain())
	}
	q.add("label", escape(label))
	q.add("message", escape(message))
	return q.String()
}

// escape percent-encodes all but the unreserved characters of RFC 3986. A space is %20: wallets show a plus as it is.
// (url.PathEscape would leave "&" and "=" alone.)
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// clean drops what is not to be shown and cuts text to a number of characters.
func clean(text string, limit int) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "") {
		if unicode.IsControl(r) {
			continue
		}
		if limit == 0 {
			break
		}
		b.WriteRune(r)
		limit--
	}
	return strings.TrimSpace(b.String())
}

// Upper writes a bech32 address in upper case, as BIP173 recommends for QR codes; other addresses, in which case
// matters, come back unchanged. It makes a smaller code that some wallets cannot read, so merchants choose it, and it
// is only for the QR code: URI(asset, Upper(address), due).
func Upper(address string) string {
	if address != strings.ToLower(address) {
		return address
	}
	for _, prefix := range [...]string{"bc1", "tb1", "bcrt1", "ltc1", "rltc1", "tltc1"} {
		if strings.HasPrefix(address, prefix) {
			return strings.ToUpper(address)
		}
	}
	return address
}

// Request is what a payment URI of the BIP21 family asks for.
type Request struct {
	Scheme  string // lower case: "bitcoin"
	Address string // what stands between scheme and parameters; its case is kept
	Amount  string // whole coins, a plain decimal; empty if none is asked for
	Label   string
	Message string
}

// ErrURI is said of text that is not a payment URI, or not one that may be acted on.
var ErrURI = errors.New("qr: not a payment URI")

// ParseURI reads a payment URI as BIP321 asks of wallets: the scheme and the keys in any case, at most one amount,
// label and message, parameters it does not know ignored unless they are required ("req-…").
func ParseURI(text string) (Request, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(scheme) {
		return Request{}, fmt.Errorf("no scheme: %w", ErrURI)
	}
	address, query, _ := strings.Cut(rest, "?")
	if address == "" || !isAlphanumeric(address) {
		return Request{}, fmt.Errorf("no address: %w", ErrURI)
	}
	r := Request{Scheme: strings.ToLower(scheme), Address: address}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		key = strings.ToLower(key)
		if seen[key] && (key == "amount" || key == "label" || key == "message") {
			return Request{}, fmt.Errorf("%s stands twice: %w", key, ErrURI)
		}
		seen[key] = true
		if err := r.set(key, value); err != nil {
			return Request{}, err
		}
	}
	return r, nil
}

func (r *Request) set(key, value string) (err error) {
	switch key {
	case "amount":
		if !money.CheckGrammar(value) {
			return fmt.Errorf("amount: %w", ErrURI)
		}
		r.Amount = value
	case "label":
		r.Label, err = unescape(value)
	case "message":
		r.Message, err = unescape(value)
	default:
		if strings.HasPrefix(key, "req-") {
			return fmt.Errorf("a required parameter is unknown: %w", ErrURI)
		}
	}
	return err
}

// unescape undoes escape. A plus is a plus.
func unescape(text string) (string, error) {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("percent-encoding: %w", ErrURI)
	}
	return plain, nil
}

// isScheme checks the form of a URI scheme (RFC 3986, 3.1).
func isScheme(text string) bool {
	return text != "" && isLetter(text[0]) && isAlphanumeric(strings.NewReplacer("+", "", "-", "", ".", "").Replace(text))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isAlphanumeric(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isLetter(c) && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

package coinspaid_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/event"
	"checkout/invoice"
	"checkout/payterm"
	"checkout/webhook"
)

// The invoice of the contract's examples (section 6.10) and its two payments.
const (
	exampleAddress = "tb1q3yns55p5rwuwsde5acrzvq7x8ssexg8drkutn4"
	firstTx        = "c82e5befb37b4d8c655c59c60f44d63e25fbaf94147d71fe8fbd6be952851579"
	secondTx       = "4122f04c9a52b445b140bbc55fbffc37a0da1937ede0dad689c01b2f9d1980c3"
	coveredAt      = 1_700_000_058_000
)

func euros(cents int64) invoice.Money {
	return invoice.Money{Currency: "EUR", Scale: 2, Minor: strconv.FormatInt(cents, 10)}
}
func coins(sat int64) invoice.Money {
	return invoice.Money{Currency: "BTC", Scale: 8, Crypto: true, Minor: strconv.FormatInt(sat, 10)}
}

// example is that invoice before anything happened.
func example() invoice.Record {
	return invoice.Record{
		ID: "0V5R8ZJ2QK9XW3T7MBD6HNCE4F", Number: 7102, Origin: invoice.TermsCoinsPaid, ForeignID: "order-7731", EndUserReference: "cust-88",
		State: invoice.Awaiting, Amount: invoice.None, Price: euros(4500), Due: coins(72_000), Remaining: coins(72_000), Covered: euros(0),
		Asset: "btc", Address: &invoice.RecordAddress{Number: 5140, Text: exampleAddress}, Payments: []invoice.RecordPayment{},
		LockedAt: 1_700_000_000_000, LockUntil: 1_700_000_900_000,
	}
}

// first and second are its payments.
func first(sat, confirmations int64) invoice.RecordPayment {
	return invoice.RecordPayment{
		ID: "P1", Number: 880_020, Asset: "btc", TxID: firstTx, Address: exampleAddress, Amount: coins(sat), Status: invoice.Seen,
		Standing: invoice.Counted, Confirmations: confirmations, Need: 1, SeenAt: 1_700_000_030_000,
	}
}

func second(confirmations int64) invoice.RecordPayment {
	p := first(42_000, confirmations)
	p.ID, p.Number, p.TxID, p.SeenAt = "P2", 880_021, secondTx, coveredAt
	return p
}

// with changes the example.
func with(change func(r *invoice.Record)) invoice.Record {
	r := example()
	change(&r)
	return r
}

// in sets what an invoice of a state says of itself.
func in(r *invoice.Record, state invoice.State, amount invoice.AmountState, remaining int64, payments ...invoice.RecordPayment) {
	r.State, r.Amount, r.Remaining, r.Payments = state, amount, coins(remaining), append(r.Payments, payments...)
	if amount == invoice.Exact || amount == invoice.Over {
		r.CoveredAt = coveredAt
	}
}

func fee(cents int64) *invoice.Money { m := euros(cents); return &m }

// examples are the records the contract's invoice callbacks are written from, by the name of the file that holds their
// bytes, and the event that tells them.
var examples = map[string]struct {
	kind string
	r    invoice.Record
}{
	"invoice_pending_part": {"payment.detected", with(func(r *invoice.Record) {
		in(r, invoice.Detected, invoice.Short, 42_000, first(30_000, 0))
	})},
	"invoice_processing": {"payment.detected", with(func(r *invoice.Record) {
		in(r, invoice.Detected, invoice.Exact, 0, first(30_000, 0), second(0))
		r.Fee = fee(36) // told only once it is confirmed
	})},
	"invoice_confirmed": {"invoice.settled", with(func(r *invoice.Record) {
		in(r, invoice.Settled, invoice.Exact, 0, first(30_000, 1), second(1))
		r.Fee = fee(36)
	})},
	"invoice_confirmed_over": {"invoice.settled", with(func(r *invoice.Record) {
		in(r, invoice.Settled, invoice.Over, 0, first(80_000, 1))
		r.Fee = fee(40)
	})},
	"invoice_partial_confirmed": {"invoice.settled", with(func(r *invoice.Record) {
		in(r, invoice.Settled, invoice.Short, 42_000, first(30_000, 1))
		r.Fee, r.Reason = fee(15), "partial_accepted"
	})},
	"invoice_failed_unpaid": {"invoice.expired", with(func(r *invoice.Record) { in(r, invoice.Expired, invoice.None, 72_000) })},
	"invoice_failed_no_coin": {"invoice.expired", with(func(r *invoice.Record) {
		in(r, invoice.Expired, invoice.None, 0)
		r.Asset, r.Address, r.Due, r.Remaining = "", nil, euros(0), euros(0)
	})},
	"invoice_failed_underpaid": {"invoice.expired", with(func(r *invoice.Record) {
		in(r, invoice.Expired, invoice.Short, 42_000, first(30_000, 2))
	})},
	"invoice_failed_unconfirmed": {"invoice.failed", with(func(r *invoice.Record) {
		in(r, invoice.Failed, invoice.Exact, 0, first(72_000, 0))
		r.Reason = "unconfirmed"
	})},
	"invoice_failed_cancelled": {"invoice.cancelled", with(func(r *invoice.Record) { in(r, invoice.Cancelled, invoice.None, 72_000) })},
}

// told renders an event of a record.
func told(t testing.TB, kind string, r invoice.Record) ([]byte, error) {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{Type: kind, Object: r.ID, Data: data}
	if strings.HasPrefix(kind, "payment.") {
		e.Object = r.Payments[len(r.Payments)-1].ID
	}
	return coinspaid.Callbacks{Registry: chain.Catalogue()}.Body(e)
}

// TestExamples writes every invoice callback the contract shows, byte for byte. The files are the contract's; nothing
// rewrites them.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/contract/invoice_*.json")
	if err != nil || len(files) != len(examples) {
		t.Fatalf("%d files for %d examples: %v", len(files), len(examples), err)
	}
	for name, x := range examples {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", "contract", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := told(t, x.kind, x.r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
			}
			if again := phpRoundTrip(t, got); again != string(got) {
				t.Errorf("PHP makes %s of %s", again, got)
			}
		})
	}
}

// TestExampleSignatures is the table of section 6.12, and C1 and C2 of 6.2.
func TestExampleSignatures(t *testing.T) {
	for _, v := range []struct {
		example   string
		bytes     int
		signature string
	}{
		{"invoice_confirmed", 1072, "f1229bcc6fb80a99001ea1222cfda3d2f46a5da3c0a47e40419a270c1fcc04c3f99d59ba67a10bb51dfa13ee603b431c011623b40f6bfd03e1b9e84685d695aa"},
		{"invoice_processing", 997, "b83b51b21b47199df4ac258ec96f7ce1d17110ee9e68c78a79bbf0afaa9e4ca9723ab7ad72514e7fd660854a23922abd6f7011abbe41354c9cc32ce23b8bb10f"},
	} {
		body, err := told(t, examples[v.example].kind, examples[v.example].r)
		header := http.Header{}
		coinspaid.Callbacks{}.Sign(header, body, "K1-live", []byte(liveSecret))
		if err != nil || len(body) != v.bytes || header["X-Processing-Signature"][0] != v.signature || header["X-Processing-Key"][0] != "K1-live" {
			t.Errorf("%s: %v, %d bytes, %v", v.example, err, len(body), header)
		}
		if header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", v.example, header)
		}
	}
	c1 := `{"id":2140017,"foreign_id":"order-7731","type":"invoice","status":"confirmed"}`
	c2 := `{"id":2140018,"foreign_id":"shop\/42-M\u00fcller","type":"invoice","status":"failed","error":"Timer expired. User not paid."}`
	for body, signature := range map[string]string{
		c1: "6169d260f6066d758e39cbe7b0aa23cb85af515ccaad379a35cb89aec33f441aabfedc2b3a4207205efbe01e8185389dcb4e582af8fa219820b8361e59765eef",
		c2: "1e7da58eadcdc1e99b954ef26f05851f2cd97a9881b49db6b502559c20a8883a04fdb4dd7d1fac2a1d5176fec7f9318ec7af7bb45dd6cbc24a3f0ed99818b4d5",
	} {
		if got := coinspaid.Sign([]byte(liveSecret), []byte(body)); got != signature || phpRoundTrip(t, []byte(body)) != body {
			t.Errorf("%s: %s", body, got)
		}
	}
	// C2's texts come out of a whole callback in C2's spelling.
	body, err := told(t, "invoice.expired", with(func(r *invoice.Record) {
		in(r, invoice.Expired, invoice.None, 72_000)
		r.ForeignID, r.EndUserReference = "shop/42-Müller", "😀\x7f<&'>"
	}))
	if err != nil || !bytes.HasPrefix(body, []byte(`{"id":7102,"foreign_id":"shop\/42-M\u00fcller","end_user_reference":"\ud83d\ude00`+"\x7f"+`<&'>","type":"invoice",`)) {
		t.Errorf("%v %s", err, body)
	}
}

// TestCanonical: whatever a merchant's texts hold, decoding and encoding again as PHP does gives the same bytes.
func TestCanonical(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("/\\\"<>&'\u007f\u0000\b\f\n\r\t\u2028\u2029é☕😀\uffff\U0010ffff"))))
		r := examples["invoice_confirmed"].r
		r.ForeignID, r.EndUserReference = text.Draw(rt, "foreign_id"), text.Draw(rt, "end_user_reference")
		body, err := told(t, "invoice.settled", r)
		if err != nil {
			rt.Fatal(err)
		}
		if again := phpRoundTrip(t, body); again != string(body) {
			rt.Fatalf("PHP makes %s of %s", again, body)
		}
		var back struct {
			ForeignID string `json:"foreign_id"`
		}
		if err := json.Unmarshal(body, &back); err != nil || back.ForeignID != r.ForeignID {
			rt.Fatalf("%q became %q: %v", r.ForeignID, back.ForeignID, err)
		}
	})
}

// phpRoundTrip is json_encode(json_decode($raw)) of PHP with default flags, written from its documentation: decoded token by
// token, so that the order of keys is kept, and encoded by phpText.
func phpRoundTrip(t testing.TB, raw []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out strings.Builder
	phpValue(t, dec, &out)
	if _, err := dec.Token(); err == nil {
		t.Fatalf("more than one value: %s", raw)
	}
	return out.String()
}

func phpValue(t testing.TB, dec *json.Decoder, out *strings.Builder) {
	t.Helper()
	token, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		out.WriteString(v.String())
		for n := 0; dec.More(); n++ {
			if n > 0 {
				out.WriteByte(',')
			}
			if v == '{' {
				phpValue(t, dec, out)
				out.WriteByte(':')
			}
			phpValue(t, dec, out)
		}
		end, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(end.(json.Delim).String()) // nothing else ends it
	case string:
		phpText(out, v)
	case json.Number:
		n, ok := new(big.Int).SetString(v.String(), 10)
		if !ok || !n.IsInt64() {
			t.Fatalf("%s is no integer", v)
		}
		out.WriteString(n.String())
	case bool:
		fmt.Fprint(out, v)
	default:
		out.WriteString("null")
	}
}

// phpText works on UTF-16 units, as PHP's escapes do.
func phpText(out *strings.Builder, text string) {
	short := map[uint16]string{'"': `\"`, '\\': `\\`, '/': `\/`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	out.WriteByte('"')
	for _, unit := range utf16.Encode([]rune(text)) {
		switch escape, ok := short[unit]; {
		case ok:
			out.WriteString(escape)
		case unit < 0x20 || unit > 0x7f:
			fmt.Fprintf(out, `\u%04x`, unit)
		default:
			out.WriteByte(byte(unit))
		}
	}
	out.WriteByte('"')
}

// TestPlainBodiesAreJavaScripts: without "/" and beyond ASCII the bytes are what JSON.stringify(JSON.parse(raw)) gives too.
func TestPlainBodiesAreJavaScripts(t *testing.T) {
	for name, x := range examples {
		body, err := told(t, x.kind, x.r)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, body); err != nil || compact.String() != string(body) || bytes.ContainsAny(body, `\`) {
			t.Errorf("%s: %v %s", name, err, body)
		}
	}
}

// TestOtherRecords are what the examples do not show.
func TestOtherRecords(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind string
		r    invoice.Record
		want []string // in the body
	}{
		{"no fee taken", "invoice.settled", with(func(r *invoice.Record) { in(r, invoice.Settled, invoice.Exact, 0, first(72_000, 1)) }),
			[]string{`"fees":[{"type":"fee_crypto_deposit_to_fiat","currency":"EUR","amount":"0.00000000"}]`}},
		{"priced in the coin", "invoice.settled", with(func(r *invoice.Record) {
			in(r, invoice.Settled, invoice.Exact, 0, first(72_000, 1))
			r.Price = coins(72_000)
		}), []string{`"crypto_address":{"id":5140,"currency":"BTC","address":"`, `"currency_received":{"currency":"BTC","amount":"0.00072000"}`,
			`"fees":[{"type":"fee_crypto_deposit","currency":"BTC","amount":"0.00000000"}]`}},
		{"no reference", "invoice.expired", with(func(r *invoice.Record) { in(r, invoice.Expired, invoice.None, 72_000); r.EndUserReference = "" }),
			[]string{`"foreign_id":"order-7731","type":"invoice"`}},
		{"dropped, set aside and dust are left out", "invoice.settled", with(func(r *invoice.Record) {
			gone, aside, dust := first(1, 0), first(2, 0), first(3, 0)
			gone.Status, aside.Standing, dust.Standing = invoice.Dropped, invoice.Aside, invoice.DustAside
			in(r, invoice.Settled, invoice.Exact, 0, gone, aside, dust, second(1))
		}), []string{`"transactions":[{"id":880021,`, `"confirmations":"1"}],"fees":`}},
		{"accepted by a person: all that came counts, nothing is missing", "invoice.settled", with(func(r *invoice.Record) {
			late := second(1)
			late.Standing = invoice.Aside
			in(r, invoice.Settled, invoice.Short, 42_000, first(30_000, 1), late)
			r.Reason = "manual"
		}), []string{`"remaining_amount":"0.00000000"`, `{"id":880020,`, `{"id":880021,`, `"error":"","status":"confirmed"`}},
		{"accepted before a coin was chosen", "invoice.settled", with(func(r *invoice.Record) {
			in(r, invoice.Settled, invoice.None, 0)
			r.Reason, r.Asset, r.Address, r.Due, r.Remaining, r.LockedAt, r.LockUntil = "manual", "", nil, euros(0), euros(0), 0, 0
		}), []string{`"currency_sent":{"currency":"EUR","amount":"45.00000000","remaining_amount":"0.00000000"}`, `"fixed_at":null,"expires_at":null`}},
		{"marked invalid", "invoice.failed", with(func(r *invoice.Record) {
			in(r, invoice.Failed, invoice.Short, 42_000, first(30_000, 1))
			r.Reason, r.MarkReason = "manual", "Fraud / café"
		}), []string{`"error":"Fraud \/ caf\u00e9","status":"failed"`}},
		{"marked invalid without a word", "invoice.failed", with(func(r *invoice.Record) { in(r, invoice.Failed, invoice.None, 72_000); r.Reason = "manual" }),
			[]string{`"error":"Invoice was marked invalid.","status":"failed"`}},
		{"double spent", "invoice.failed", with(func(r *invoice.Record) { in(r, invoice.Failed, invoice.None, 72_000); r.Reason = "double_spent" }),
			[]string{`"remaining_amount":"0.00072000"`, `"transactions":[]`, `"error":"Transaction was double spent","status":"failed"`}},
		{"18 decimals: sums are cut to 8, what is missing rounds up", "payment.detected", with(func(r *invoice.Record) {
			wei := func(minor string) invoice.Money {
				return invoice.Money{Currency: "ETH", Scale: 18, Crypto: true, Minor: minor}
			}
			p := first(0, 0)
			p.Amount = wei("8999999999999999999")
			in(r, invoice.Detected, invoice.Short, 0, p)
			r.Due, r.Remaining = wei("9300000000000000000"), wei("300000000000000001")
		}), []string{`"amount":"9.30000000","remaining_amount":"0.30000001"`, `"amount":"8.99999999"`}},
	} {
		body, err := told(t, tc.kind, tc.r)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		for _, part := range tc.want {
			if !bytes.Contains(body, []byte(part)) {
				t.Errorf("%s: %s\nhas no %s", tc.name, body, part)
			}
		}
		if again := phpRoundTrip(t, body); again != string(body) {
			t.Errorf("%s: PHP makes %s of %s", tc.name, again, body)
		}
	}
}

// TestToldOf: sales of tills, links and buttons are told in this dialect, byte for byte as its own are; the invoices of other
// faces are not.
func TestToldOf(t *testing.T) {
	want, err := told(t, "invoice.settled", examples["invoice_confirmed"].r)
	if err != nil {
		t.Fatal(err)
	}
	for origin, tells := range map[string]bool{
		invoice.TermsCoinsPaid: true, string(payterm.KindTerminal): true, string(payterm.KindLink): true, string(payterm.KindButton): true,
		invoice.TermsOrder: false, "coinpayments": false, "": false,
	} {
		r := examples["invoice_confirmed"].r
		r.Origin = origin
		got, err := told(t, "invoice.settled", r)
		if tells && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%s: %v %s", origin, err, got)
		}
		if !tells && !errors.Is(err, webhook.ErrNothing) {
			t.Errorf("%q: %v %s", origin, err, got)
		}
	}
}

// TestNothingToTell: what callbacks are not made of, and records nobody can read.
func TestNothingToTell(t *testing.T) {
	for _, kind := range []string{"invoice.created", "invoice.reopened", "quote.created", "payment.late", "payment.confirmed", "payment.extra", "invoice.unheard_of"} {
		if _, err := told(t, kind, examples["invoice_processing"].r); !errors.Is(err, webhook.ErrNothing) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := (coinspaid.Callbacks{Registry: chain.Catalogue()}).Body(event.Event{Type: "invoice.settled", Data: []byte("{")}); err == nil || errors.Is(err, webhook.ErrNothing) {
		t.Error(err)
	}
}

// TestSchedule is section 6.1: heard by 200 alone, twelve retries, 13 attempts in 24 h 21 min.
func TestSchedule(t *testing.T) {
	c := coinspaid.Callbacks{}
	total := time.Duration(0)
	for tries, minutes := range []time.Duration{1, 5, 15, 30, 60, 90, 120, 180, 240, 240, 240, 240} {
		wait, again := c.Retry(tries + 1)
		if !again || wait != minutes*time.Minute {
			t.Errorf("after %d tries: %s %v", tries+1, wait, again)
		}
		total += wait
	}
	if total != 24*time.Hour+21*time.Minute {
		t.Errorf("in all %s", total)
	}
	for _, tries := range []int{-1, 0, 13, 14} {
		if wait, again := c.Retry(tries); again {
			t.Errorf("after %d tries another after %s", tries, wait)
		}
	}
	short := coinspaid.Callbacks{Schedule: []time.Duration{time.Second}}
	if wait, again := short.Retry(1); !again || wait != time.Second {
		t.Errorf("%s %v", wait, again)
	}
	if _, again := short.Retry(2); again {
		t.Error("a schedule of one retry has two")
	}
	for status := range 600 {
		if c.Heard(status) != (status == http.StatusOK) {
			t.Errorf("%d", status)
		}
	}
	if !c.Latest() {
		t.Error("an old status would be sent after a newer one")
	}
}

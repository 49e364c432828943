package payterm

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"checkout/merchant"
	"checkout/money"
)

var (
	eur, _ = money.FiatByCode("EUR")
	jpy, _ = money.FiatByCode("JPY")
	kwd, _ = money.FiatByCode("KWD")
	btc    = money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func cents(n int64) money.Amount { return money.Units(eur, n) }

func till() Terminal { return Terminal{Name: "Till 1", Mode: ModeKeypad, Currency: eur} }

func gift() Link {
	return Link{Title: "Gift card", Mode: ModeCustomer, Currency: eur, Min: cents(5_00), Max: cents(200_00)}
}

func mug() Button {
	return Button{
		Slug: "7K3M9Q2X7K", Name: "Mug", Mode: ModeFixed, Currency: eur, Amount: cents(12_50), MinQuantity: 1, MaxQuantity: 10,
		Secret: "a secret of the shop's", Text: DefaultText,
	}
}

func TestTerminalCheck(t *testing.T) {
	for name, row := range map[string]struct {
		change func(x *Terminal)
		want   error
	}{
		"keypad":               {func(*Terminal) {}, nil},
		"keypad with bounds":   {func(x *Terminal) { x.Min, x.Max = cents(1), cents(MaxAmount) }, nil},
		"fixed":                {func(x *Terminal) { x.Mode, x.Amount = ModeFixed, cents(5_00) }, nil},
		"customer":             {func(x *Terminal) { x.Mode = ModeCustomer }, nil},
		"deposit":              {func(x *Terminal) { x.Mode, x.Currency = ModeDeposit, money.Currency{} }, nil},
		"deposit in EUR":       {func(x *Terminal) { x.Mode = ModeDeposit }, nil},
		"tips and PIN":         {func(x *Terminal) { x.Tips, x.PIN = []int{1, 5, 10, 100}, "12345678" }, nil},
		"yen":                  {func(x *Terminal) { x.Currency, x.Max = jpy, money.Units(jpy, MaxAmount) }, nil},
		"no name":              {func(x *Terminal) { x.Name = " " }, ErrName},
		"a long name":          {func(x *Terminal) { x.Name = strings.Repeat("x", 65) }, ErrName},
		"a name that turns":    {func(x *Terminal) { x.Name = "Till \u202e1" }, ErrName},
		"no mode":              {func(x *Terminal) { x.Mode = "" }, ErrModeForm},
		"no currency":          {func(x *Terminal) { x.Currency = money.Currency{} }, ErrFiat},
		"a coin":               {func(x *Terminal) { x.Currency = btc }, ErrFiat},
		"a scale of its own":   {func(x *Terminal) { x.Currency.Scale = 3 }, ErrFiat},
		"fixed at nothing":     {func(x *Terminal) { x.Mode = ModeFixed }, ErrAmount},
		"fixed below nothing":  {func(x *Terminal) { x.Mode, x.Amount = ModeFixed, cents(-1) }, ErrAmount},
		"fixed too high":       {func(x *Terminal) { x.Mode, x.Amount = ModeFixed, cents(MaxAmount+1) }, ErrAmount},
		"fixed with bounds":    {func(x *Terminal) { x.Mode, x.Amount, x.Min = ModeFixed, cents(1), cents(1) }, ErrLimits},
		"keypad with a sum":    {func(x *Terminal) { x.Amount = cents(1) }, ErrAmount},
		"deposit with a sum":   {func(x *Terminal) { x.Mode, x.Amount = ModeDeposit, cents(1) }, ErrLimits},
		"deposit with tips":    {func(x *Terminal) { x.Mode, x.Tips = ModeDeposit, []int{5} }, ErrTips},
		"bounds the wrong way": {func(x *Terminal) { x.Min, x.Max = cents(2), cents(1) }, ErrLimits},
		"a bound below zero":   {func(x *Terminal) { x.Min = cents(-2) }, ErrLimits},
		"a bound too high":     {func(x *Terminal) { x.Max = cents(MaxAmount + 1) }, ErrLimits},
		"bounds in yen":        {func(x *Terminal) { x.Max = money.Units(jpy, 5) }, ErrLimits},
		"five tips":            {func(x *Terminal) { x.Tips = []int{1, 2, 3, 4, 5} }, ErrTips},
		"no tip as a tip":      {func(x *Terminal) { x.Tips = []int{0} }, ErrTips},
		"more than all":        {func(x *Terminal) { x.Tips = []int{101} }, ErrTips},
		"a tip twice":          {func(x *Terminal) { x.Tips = []int{5, 5} }, ErrTips},
		"a short PIN":          {func(x *Terminal) { x.PIN = "123" }, ErrPINForm},
		"a long PIN":           {func(x *Terminal) { x.PIN = "123456789" }, ErrPINForm},
		"a PIN of letters":     {func(x *Terminal) { x.PIN = "12a4" }, ErrPINForm},
	} {
		x := till()
		row.change(&x)
		if err := x.Check(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestLinkCheck(t *testing.T) {
	for name, row := range map[string]struct {
		change func(x *Link)
		want   error
	}{
		"customer": {func(*Link) {}, nil},
		"fixed":    {func(x *Link) { *x = Link{Title: "Gift", Mode: ModeFixed, Currency: kwd, Amount: money.Units(kwd, 1)} }, nil},
		"deposit":  {func(x *Link) { *x = Link{Title: "Gift", Mode: ModeDeposit} }, nil},
		"all there is": {func(x *Link) {
			x.Suggestions, x.Stock, x.Expires = []money.Amount{cents(5_00), cents(200_00)}, MaxStock, noon.Add(1)
		}, nil},
		"three questions":      {func(x *Link) { x.Fields = []Field{{"Name", true}, {"Table", false}, {"Größe", false}} }, nil},
		"a page with an id":    {func(x *Link) { x.SuccessURL = "https://shop.example/thanks/{ID}?i={ID}" }, nil},
		"keypad":               {func(x *Link) { x.Mode = ModeKeypad }, ErrModeForm},
		"no title":             {func(x *Link) { x.Title = "" }, ErrTitle},
		"two lines":            {func(x *Link) { x.Description, x.Message = "a\nb", "c\nd" }, nil},
		"a bell":               {func(x *Link) { x.Description = "a\ab" }, ErrDescription},
		"a long message":       {func(x *Link) { x.Message = strings.Repeat("x", 501) }, ErrMessage},
		"a script":             {func(x *Link) { x.SuccessURL = "javascript:alert(1)" }, ErrURL},
		"a password":           {func(x *Link) { x.SuccessURL = "https://ada:x@shop.example" }, ErrURL},
		"a relative page":      {func(x *Link) { x.SuccessURL = "/thanks" }, ErrURL},
		"over already":         {func(x *Link) { x.Expires = noon }, ErrExpires},
		"less than no stock":   {func(x *Link) { x.Stock = -1 }, ErrStock},
		"too much stock":       {func(x *Link) { x.Stock = MaxStock + 1 }, ErrStock},
		"deposits by number":   {func(x *Link) { *x = Link{Title: "Gift", Mode: ModeDeposit, Stock: 1} }, ErrStock},
		"deposits with a form": {func(x *Link) { *x = Link{Title: "Gift", Mode: ModeDeposit, Fields: []Field{{"Name", true}}} }, ErrFields},
		"suggested too little": {func(x *Link) { x.Suggestions = []money.Amount{cents(4_99)} }, ErrSuggestions},
		"suggested twice":      {func(x *Link) { x.Suggestions = []money.Amount{cents(5_00), cents(5_00)} }, ErrSuggestions},
		"suggested yen":        {func(x *Link) { x.Suggestions = []money.Amount{money.Units(jpy, 500)} }, ErrSuggestions},
		"five suggestions": {func(x *Link) {
			x.Suggestions = []money.Amount{cents(501), cents(502), cents(503), cents(504), cents(505)}
		}, ErrSuggestions},
		"suggested but fixed": {func(x *Link) {
			*x = Link{Title: "Gift", Mode: ModeFixed, Currency: eur, Amount: cents(1), Suggestions: []money.Amount{cents(1)}}
		}, ErrSuggestions},
		"four questions":   {func(x *Link) { x.Fields = []Field{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}} }, ErrFields},
		"a question twice": {func(x *Link) { x.Fields = []Field{{Name: "Name"}, {Name: "name"}} }, ErrFields},
		"no question":      {func(x *Link) { x.Fields = []Field{{Name: ""}} }, ErrFields},
	} {
		x := gift()
		row.change(&x)
		if err := x.Check(noon); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestButtonCheck(t *testing.T) {
	for name, row := range map[string]struct {
		change func(x *Button)
		want   error
	}{
		"fixed":                {func(*Button) {}, nil},
		"customer":             {func(x *Button) { x.Mode, x.Amount, x.MaxQuantity = ModeCustomer, money.Amount{}, 1 }, nil},
		"as much as there is":  {func(x *Button) { x.Amount, x.MaxQuantity = cents(1_001_000), 999 }, nil},
		"coloured":             {func(x *Button) { x.Colour = "#f7931a" }, nil},
		"too much in one sale": {func(x *Button) { x.Amount, x.MaxQuantity = cents(1_001_002), 999 }, ErrQuantityForm},
		"a stock of dozens":    {func(x *Button) { x.Stock, x.MinQuantity, x.MaxQuantity = 5, 1, 12 }, ErrQuantityForm},
		"no pieces":            {func(x *Button) { x.MinQuantity = 0 }, ErrQuantityForm},
		"the wrong way":        {func(x *Button) { x.MinQuantity = 11 }, ErrQuantityForm},
		"a thousand":           {func(x *Button) { x.Amount, x.MaxQuantity = cents(1), 1000 }, ErrQuantityForm},
		"pieces of a gift":     {func(x *Button) { x.Mode, x.Amount = ModeCustomer, money.Amount{} }, ErrQuantityForm},
		"deposit":              {func(x *Button) { x.Mode, x.Amount = ModeDeposit, money.Amount{} }, ErrModeForm},
		"no name":              {func(x *Button) { x.Name = "" }, ErrName},
		"a long description":   {func(x *Button) { x.Description = strings.Repeat("ä", 501) }, ErrDescription},
		"a bad page":           {func(x *Button) { x.SuccessURL = "ftp://shop.example" }, ErrURL},
		"another bad page":     {func(x *Button) { x.FailureURL = "https://" }, ErrURL},
		"no text":              {func(x *Button) { x.Text = "" }, ErrText},
		"a colour's name":      {func(x *Button) { x.Colour = "red" }, ErrColour},
		"capitals":             {func(x *Button) { x.Colour = "#F7931A" }, ErrColour},
		"less than no stock":   {func(x *Button) { x.Stock = -1 }, ErrStock},
		"free":                 {func(x *Button) { x.Amount = cents(0) }, ErrAmount},
	} {
		x := mug()
		row.change(&x)
		if err := x.Check(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

// TestTotals: what a charge asks for.
func TestTotals(t *testing.T) {
	bound, tips, fixed := till(), till(), till()
	bound.Min, bound.Max = cents(1_00), cents(50_00)
	tips.Tips = []int{10}
	fixed.Mode, fixed.Amount = ModeFixed, cents(3_00)
	for name, row := range map[string]struct {
		at    Terminal
		c     Charge
		total int64
		want  error
	}{
		"12.50":                 {till(), Charge{Amount: cents(12_50)}, 12_50, nil},
		"a cent":                {till(), Charge{Amount: cents(1)}, 1, nil},
		"nine digits":           {till(), Charge{Amount: cents(MaxAmount)}, MaxAmount, nil},
		"nothing":               {till(), Charge{}, 0, ErrAmount},
		"less than nothing":     {till(), Charge{Amount: cents(-5)}, 0, ErrAmount},
		"ten digits":            {till(), Charge{Amount: cents(1_000_000_000)}, 0, ErrAmount},
		"yen at a euro till":    {till(), Charge{Amount: money.Units(jpy, 100)}, 0, ErrAmount},
		"the least":             {bound, Charge{Amount: cents(1_00)}, 1_00, nil},
		"less than the least":   {bound, Charge{Amount: cents(99)}, 0, ErrBounds},
		"more than the most":    {bound, Charge{Amount: cents(50_01)}, 0, ErrBounds},
		"with a tip":            {tips, Charge{Amount: cents(12_50), Tip: cents(1_25)}, 13_75, nil},
		"a tip of nothing":      {tips, Charge{Amount: cents(12_50), Tip: cents(0)}, 12_50, nil},
		"a tip that takes":      {tips, Charge{Amount: cents(12_50), Tip: cents(-1)}, 0, ErrTip},
		"a tip in yen":          {tips, Charge{Amount: cents(12_50), Tip: money.Units(jpy, 1)}, 0, ErrTip},
		"a tip beyond all":      {tips, Charge{Amount: cents(12_50), Tip: cents(12_51)}, 0, ErrTip},
		"a tip too much":        {tips, Charge{Amount: cents(MaxAmount), Tip: cents(1)}, 0, ErrTip},
		"a tip nobody asked of": {till(), Charge{Amount: cents(12_50), Tip: cents(1)}, 0, ErrTip},
		"fixed":                 {fixed, Charge{}, 3_00, nil},
		"fixed, repeated":       {fixed, Charge{Amount: cents(3_00)}, 3_00, nil},
		"fixed, forged":         {fixed, Charge{Amount: cents(1)}, 0, ErrBounds},
		"a deposit":             {Terminal{Mode: ModeDeposit}, Charge{Amount: cents(1)}, 0, ErrMode},
	} {
		total, _, err := row.at.total(row.c)
		if !errors.Is(err, row.want) || (err == nil && !total.Equal(cents(row.total))) {
			t.Errorf("%s: %s, %v", name, total, err)
		}
	}
}

func TestTipOf(t *testing.T) {
	for _, row := range []struct{ sum, percent, want int64 }{{12_50, 10, 1_25}, {12_50, 5, 63}, {12_50, 15, 1_88}, {1, 1, 0}, {50, 1, 1}, {49, 1, 0}, {MaxAmount, 100, MaxAmount}} {
		if got := TipOf(cents(row.sum), int(row.percent)); !got.Equal(cents(row.want)) {
			t.Errorf("%d %% of %d: %s", row.percent, row.sum, got)
		}
	}
}

// TestTries: five wrong PINs in a row lock for a quarter of an hour, and a right one forgives.
func TestTries(t *testing.T) {
	x, now, tries := till(), noon, Tries{}
	x.PIN = "1234"
	try := func(pin string, want error) {
		t.Helper()
		var err error
		if tries, err = x.try(pin, tries, now); !errors.Is(err, want) {
			t.Errorf("%q after %+v: %v, want %v", pin, tries, err, want)
		}
	}
	for range 4 {
		try("0000", ErrPIN)
	}
	try("", ErrPIN)
	try("1234", nil)
	for _, pin := range []string{"12345", "123", "1234 ", "12340"} {
		try(pin, ErrPIN)
	}
	try("4321", ErrPINLocked)
	try("1234", ErrPINLocked)
	now = now.Add(pinLock - time.Second)
	try("1234", ErrPINLocked)
	now = now.Add(time.Second)
	try("0000", ErrPIN)
	try("1234", nil)
	x.PIN = ""
	try("", ErrNoHistory)
}

func TestAnswers(t *testing.T) {
	l := gift()
	l.Fields = []Field{{"Name", true}, {"Table", false}}
	for name, row := range map[string]struct {
		said map[string]string
		text string
		want error
	}{
		"both":             {map[string]string{"Name": " Ada ", "Table": "4"}, "Name: Ada\nTable: 4", nil},
		"what must be":     {map[string]string{"Name": "Ada"}, "Name: Ada", nil},
		"nothing":          {nil, "", ErrField},
		"blanks":           {map[string]string{"Name": "  "}, "", ErrField},
		"two lines":        {map[string]string{"Name": "Ada\nTable: 5"}, "", ErrField},
		"too much":         {map[string]string{"Name": strings.Repeat("x", 201)}, "", ErrField},
		"as much":          {map[string]string{"Name": strings.Repeat("ä", 200)}, "Name: " + strings.Repeat("ä", 200), nil},
		"what nobody asks": {map[string]string{"Name": "Ada", "Admin": "yes"}, "", ErrField},
	} {
		if text, err := l.answers(row.said); !errors.Is(err, row.want) || text != row.text {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func TestParseSlug(t *testing.T) {
	for text, want := range map[string]string{
		"7K3M9Q2X7K": "7K3M9Q2X7K", "7k3m9q2x7k": "7K3M9Q2X7K", "ilIL0oO1ab": "11110001AB", "7K3M9Q2X7": "", "7K3M9Q2X7KX": "", "": "", "7K3M9Q2X7U": "",
		"7K3M9Q2X7 ": "", "7K3M9Q2X7-": "", "7K3M9Q2\u017f7": "", "\u01317K3M9Q2X": "", "7K3M9Q2X7\x00": "", "../../../x": "",
	} {
		if got, ok := ParseSlug(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
}

func FuzzParseSlug(f *testing.F) {
	f.Add("7k3m9q2xil")
	f.Fuzz(func(t *testing.T, text string) {
		slug, ok := ParseSlug(text)
		if !ok {
			return
		}
		if again, ok := ParseSlug(slug); !ok || again != slug || len(slug) != SlugLength || strings.Trim(slug, crockford) != "" {
			t.Errorf("%q is %q, that is %q", text, slug, again)
		}
		if lower, _ := ParseSlug(strings.ToLower(text)); lower != slug {
			t.Errorf("%q in lower case is %q", text, lower)
		}
	})
}

func TestNewSlug(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		slug := NewSlug(rand.Reader)
		if again, ok := ParseSlug(slug); !ok || again != slug || seen[slug] {
			t.Fatalf("drew %q", slug)
		}
		seen[slug] = true
	}
}

// offer is one the shop made: 19.99 EUR for order 1001, for an hour.
func offer() Offer {
	return Offer{Amount: "19.99", Currency: "EUR", Order: "1001", Exp: strconv.FormatInt(noon.Add(time.Hour).Unix(), 10)}
}

// TestSign: the signature is what any language makes of the text.
func TestSign(t *testing.T) {
	// printf '7K3M9Q2X7K|19.99|EUR|1001|1772370000' | openssl dgst -sha256 -hmac "a secret of the shop's"
	const want = "ffbc7f21342b6c62fd9e41e7f5409a6f8ee27fa22c2a9efe5d6ceddc9ae9263b"
	if got := mug().Sign(offer()); got != want {
		t.Errorf("signed %s", got)
	}
}

func TestVerifyOffer(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	for name, row := range map[string]struct {
		change func(o *Offer)
		want   error
	}{
		"as it is":              {func(*Offer) {}, nil},
		"no order":              {func(o *Offer) { o.Order = "" }, ErrOffer},
		"bars":                  {func(o *Offer) { o.Order = "|1|EUR|" }, nil},
		"a second left":         {func(o *Offer) { o.Exp = at(time.Second) }, nil},
		"over this second":      {func(o *Offer) { o.Exp = at(0) }, ErrOfferExpired},
		"since 1970":            {func(o *Offer) { o.Exp = "0" }, ErrOfferExpired},
		"a year":                {func(o *Offer) { o.Exp = at(366 * 24 * time.Hour) }, nil},
		"more than a year":      {func(o *Offer) { o.Exp = at(366*24*time.Hour + time.Second) }, ErrOffer},
		"for ever":              {func(o *Offer) { o.Exp = "" }, ErrOffer},
		"beyond numbers":        {func(o *Offer) { o.Exp = "99999999999999999999" }, ErrOffer},
		"a signed number":       {func(o *Offer) { o.Exp = "+1772370000" }, ErrOffer},
		"in milliseconds":       {func(o *Offer) { o.Exp = strconv.FormatInt(noon.UnixMilli(), 10) }, ErrOffer},
		"in dollars":            {func(o *Offer) { o.Currency = "USD" }, ErrOffer},
		"in no currency":        {func(o *Offer) { o.Currency = "" }, ErrOffer},
		"for nothing":           {func(o *Offer) { o.Amount = "0" }, ErrOffer},
		"for less than nothing": {func(o *Offer) { o.Amount = "-1" }, ErrOffer},
		"too fine":              {func(o *Offer) { o.Amount = "1.001" }, ErrOffer},
		"in powers":             {func(o *Offer) { o.Amount = "1e9" }, ErrOffer},
		"for everything":        {func(o *Offer) { o.Amount = "10000000.00" }, ErrOffer},
		"nine digits":           {func(o *Offer) { o.Amount = "9999999.99" }, nil},
	} {
		o := offer()
		row.change(&o)
		price, err := mug().VerifyOffer(o, mug().Sign(o), noon)
		if !errors.Is(err, row.want) || (err == nil && price.Plain() != money.TrimZeros(o.Amount)) {
			t.Errorf("%s: %s, %v", name, price, err)
		}
	}
	good, sig := offer(), mug().Sign(offer())
	other := mug()
	other.Slug = "0000000000"
	if _, err := other.VerifyOffer(good, sig, noon); !errors.Is(err, ErrOffer) {
		t.Errorf("for another product: %v", err)
	}
	unsealed := mug()
	unsealed.Secret = ""
	if _, err := unsealed.VerifyOffer(good, unsealed.Sign(good), noon); !errors.Is(err, ErrOffer) {
		t.Errorf("with no secret at all: %v", err)
	}
	for _, change := range []func(o *Offer){
		func(o *Offer) { o.Amount = "0.01" }, func(o *Offer) { o.Amount = "19.990" }, func(o *Offer) { o.Order = "1002" }, func(o *Offer) { o.Exp = at(2 * time.Hour) },
		func(o *Offer) { o.Currency = "USD" }, func(o *Offer) { o.Order, o.Exp = "1001|"+o.Exp, "" },
	} {
		o := offer()
		change(&o)
		if _, err := mug().VerifyOffer(o, sig, noon); !errors.Is(err, ErrOffer) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, bad := range []string{"", strings.ToUpper(sig), sig[:63], sig + "0", strings.Repeat("0", 64), " " + sig} {
		if _, err := mug().VerifyOffer(good, bad, noon); !errors.Is(err, ErrOffer) {
			t.Errorf("signed %q: %v", bad, err)
		}
	}
}

// TestOrders: what a form asks for, or why not.
func TestOrders(t *testing.T) {
	free, pairs := mug(), mug()
	free.Mode, free.Amount, free.Min, free.Max, free.MaxQuantity = ModeCustomer, money.Amount{}, cents(5_00), cents(50_00), 1
	pairs.MinQuantity = 2
	signed := func(b Button, o Offer) Form {
		return Form{Amount: o.Amount, Currency: o.Currency, Order: o.Order, Exp: o.Exp, Sig: b.Sign(o)}
	}
	with := func(f Form, change func(f *Form)) Form { change(&f); return f }
	for name, row := range map[string]struct {
		b     Button
		f     Form
		price int64
		title string
		want  error
	}{
		"plain":                  {mug(), Form{}, 12_50, "Mug", nil},
		"with an order":          {mug(), Form{Order: "1001", Currency: "EUR"}, 12_50, "Mug", nil},
		"three":                  {mug(), Form{Quantity: "3"}, 37_50, "3 × Mug", nil},
		"ten":                    {mug(), Form{Quantity: "10"}, 125_00, "10 × Mug", nil},
		"eleven":                 {mug(), Form{Quantity: "11"}, 0, "", ErrQuantity},
		"none":                   {mug(), Form{Quantity: "0"}, 0, "", ErrQuantity},
		"less than none":         {mug(), Form{Quantity: "-1"}, 0, "", ErrQuantity},
		"plus one":               {mug(), Form{Quantity: "+1"}, 0, "", ErrQuantity},
		"one and a half":         {mug(), Form{Quantity: "1.5"}, 0, "", ErrQuantity},
		"written long":           {mug(), Form{Quantity: "0001"}, 0, "", ErrQuantity},
		"beyond numbers":         {mug(), Form{Quantity: "99999999999999999999"}, 0, "", ErrQuantity},
		"the least":              {pairs, Form{}, 25_00, "2 × Mug", nil},
		"half a pair":            {pairs, Form{Quantity: "1"}, 0, "", ErrQuantity},
		"a forged price":         {mug(), Form{Amount: "0.01"}, 0, "", ErrOffer},
		"the very price":         {mug(), Form{Amount: "12.50", Currency: "EUR"}, 0, "", ErrOffer},
		"in dollars":             {mug(), Form{Currency: "USD"}, 0, "", ErrCurrency},
		"a long order":           {mug(), Form{Order: strings.Repeat("ä", 256)}, 0, "", ErrOrder},
		"an order":               {mug(), Form{Order: strings.Repeat("ä", 255)}, 12_50, "Mug", nil},
		"an order with a bell":   {mug(), Form{Order: "a\ab"}, 0, "", ErrOrder},
		"an order of no text":    {mug(), Form{Order: "a\xff"}, 0, "", ErrOrder},
		"signed":                 {mug(), signed(mug(), offer()), 19_99, "Mug", nil},
		"signed, one":            {mug(), with(signed(mug(), offer()), func(f *Form) { f.Quantity = "1" }), 19_99, "Mug", nil},
		"signed, two":            {mug(), with(signed(mug(), offer()), func(f *Form) { f.Quantity = "2" }), 0, "", ErrQuantity},
		"signed beyond bounds":   {free, signed(free, offer()), 19_99, "Mug", nil},
		"signed far beyond":      {free, signed(free, Offer{Amount: "1000", Currency: "EUR", Order: "1001", Exp: offer().Exp}), 1000_00, "Mug", nil},
		"signed, changed":        {mug(), with(signed(mug(), offer()), func(f *Form) { f.Amount = "1.00" }), 0, "", ErrOffer},
		"signed, signature lost": {mug(), with(signed(mug(), offer()), func(f *Form) { f.Sig = "" }), 0, "", ErrOffer},
		"signed, all but amount": {mug(), with(signed(mug(), offer()), func(f *Form) { f.Sig, f.Exp = "", "" }), 0, "", ErrOffer},
		"signed, in dollars":     {mug(), with(signed(mug(), offer()), func(f *Form) { f.Currency = "USD" }), 0, "", ErrCurrency},
		"typed":                  {free, Form{Amount: "5"}, 5_00, "Mug", nil},
		"typed with zeros":       {free, Form{Amount: "50.000"}, 50_00, "Mug", nil},
		"typed too little":       {free, Form{Amount: "4.99"}, 0, "", ErrBounds},
		"typed too much":         {free, Form{Amount: "50.01"}, 0, "", ErrBounds},
		"typed nothing":          {free, Form{}, 0, "", ErrAmount},
		"typed with a comma":     {free, Form{Amount: "5,00"}, 0, "", ErrAmount},
		"typed too fine":         {free, Form{Amount: "5.001"}, 0, "", ErrAmount},
		"typed by the piece":     {free, Form{Amount: "5", Quantity: "2"}, 0, "", ErrQuantity},
	} {
		o, err := row.b.order(row.f, noon)
		if !errors.Is(err, row.want) || (err == nil && (!o.price.Equal(cents(row.price)) || o.title != row.title || o.signed != (row.f.Sig != ""))) {
			t.Errorf("%s: %s %q %v, %v", name, o.price, o.title, o.signed, err)
		}
	}
}

// FuzzOrder: whatever a form says, nothing is asked for that neither the button nor the shop has named.
func FuzzOrder(f *testing.F) {
	o := offer()
	f.Add("", "", "", "", "", "3", false)
	f.Add(o.Amount, o.Currency, o.Order, o.Exp, mug().Sign(o), "", false)
	f.Add("9.99", "EUR", "", "", "", "1", true)
	f.Fuzz(func(t *testing.T, amount, currency, text, exp, sig, quantity string, free bool) {
		b := mug()
		if free {
			b.Mode, b.Amount, b.Min, b.Max, b.MaxQuantity = ModeCustomer, money.Amount{}, cents(5_00), cents(50_00), 1
		}
		form := Form{Amount: amount, Currency: currency, Order: text, Exp: exp, Sig: sig, Quantity: quantity}
		got, err := b.order(form, noon)
		if err != nil {
			return
		}
		if !sellable(eur, got.price) || !merchant.Clean(text) {
			t.Fatalf("%+v asks for %s", form, got.price)
		}
		switch {
		case got.signed:
			if sig != b.Sign(Offer{amount, currency, text, exp}) {
				t.Errorf("%+v is signed", form)
			}
		case free:
			if b.sums().takes(got.price) != nil {
				t.Errorf("%+v asks for %s", form, got.price)
			}
		default:
			n := new(int64)
			if _, err := fmt.Sscan(quantity, n); err != nil {
				*n = 1
			}
			if !got.price.Equal(cents(12_50 * *n)) {
				t.Errorf("%+v asks for %s", form, got.price)
			}
		}
	})
}

// TestSecretsStayHidden: neither a PIN nor a button's secret is printed.
func TestSecretsStayHidden(t *testing.T) {
	x, b := till(), mug()
	x.PIN = "73912864"
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", x, x, x), fmt.Sprintf("%v %+v %#v", b, b, b)} {
		if strings.Contains(text, "73912864") || strings.Contains(text, b.Secret.Reveal()) {
			t.Errorf("printed: %s", text)
		}
	}
}

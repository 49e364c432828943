// Package templates draws the pages. A page gets a view model of plain strings, numbers and flags that holds exactly
// what it shows; nothing here knows an invoice, a clock or a request.
package templates

import "time"

// Assets are the addresses of the static files a page refers to.
type Assets struct {
	Style, Script, Logo                string
	Wallet                             string // the script for wallets in the browser
	Sheet, SheetScript                 string // of receipts
	Till, TillScript, Icon192, Icon512 string // of terminals
	Offer, OfferScript, Poster         string // of payment links and products
	Brand                              string // the merchant's colours; empty: ours
	FavWait, FavSeen, FavPaid, FavAttn string
}

// Page is a customer's page: the frame, and in it the part that changes while the payment moves.
type Page struct {
	Theme  string // "light" or "dark" as asked for; empty follows the reader's system
	Assets Assets
	Test   bool // no real money here
	Reload Reload
	Live   Live

	Languages []Language // to choose from
	Embed     *Embed     // of a page that stands in a frame
	Phone     QR         // the address of this very page, for another device
	Finder    *Finder
}

// Embed is what the script of a framed page goes by.
type Embed struct {
	Parent  string // origin of the framing page; empty: nobody is told anything
	Channel string
	Invoice string
	Full    string // address of the page outside the frame
}

// Language is one the page can be read in.
type Language struct {
	Tag, Name string
	Href      string
	Current   bool
}

// Reload is how a page without script follows the payment.
type Reload struct {
	Offered bool   // false on form pages and in final states: nothing more happens, or a reload would lose input
	Seconds int    // 0 when the reader stopped it
	Next    string // the page that looks again by itself
	Toggle  string // the same page with the other choice
	Check   string // the same page once more
}

// Merchant is who is paid.
type Merchant struct {
	Name        string
	Logo        *Logo  // nil shows the first letter
	Plain       bool   // neither name nor picture stands above the card
	Note        string // what the merchant says in this view; line breaks are kept
	Help        string // what they say in the help of every page
	SupportHref string // validated https: or mailto: address, may be empty
	SupportText string
}

// Logo is a merchant's picture.
type Logo struct {
	Src           string
	Width, Height int  // in CSS pixels
	Clear         bool // see-through, drawn for a light ground
}

// Live is the part of the page that the script replaces. It is drawn by the same component in the page and in the
// fragment. What is nil or empty is not shown; the order of the parts is fixed.
type Live struct {
	State       string // name of the view: "waiting"
	Polled      string // the view the status names now: another one where the page answers a form, or is the method form
	Revision    string
	Final       bool // the payment is over; the script stops asking, though a reorganisation may still undo it
	Now         string
	StatusURL   string
	FragmentURL string
	LockUntil   string // RFC 3339, empty when no price is locked
	PaymentURI  string
	Favicon     string
	Embedded    bool   // links lead out of the frame
	Asset       string // id of the chosen coin
	Merchant    Merchant
	Short       string // the invoice id as people read it aloud: "7K3M-9Q2X"
	Order       Order
	Said        Said

	Choose   *Choose
	Method   *Method
	Progress *Progress
	Pay      *Pay
	Received *Received
	Steps    []Step
	Payments []Payment
	Facts    []Fact
	Ring     *Ring
	Lock     *Lock
	Requote  *Requote
	Return   string // the merchant's address to go back to, validated; may be empty
	Receipt  string // address of the receipt, once there is something to keep
	Refund   *Refund
	Wrong    *Wrong // money in another coin came
	Rescue   string // address of the method form, for who cannot send the rest of a sum in this coin
	Again    string // address of the payment details, after a payment that did not go through
	Others   string // address of the method form, where another coin is the way on
}

// Said are the figures that headings and sentences mention. Each view uses some of them.
type Said struct {
	Coin     string // "BTC"
	Asked    string
	Received string
	Due      string
	Extra    string
	Tx       string // shortened transaction id
	In       string // what Received and Asked are stated in: the coin, or the invoice's currency where parts of several came
	Switched bool   // what came is of another coin than the one that is chosen now
	Refund   string // what goes back, with its coin
	Least    string // the smallest sum that is credited, with its coin
	Minutes  int    // until it is usually confirmed
	Watch    When
	Have     int
	Need     int
}

// Order is what is being paid for.
type Order struct {
	Label    string // "Order #1001 · 2 kg house blend"
	Total    string
	Currency string
	Details  []Fact // price, rate, its time, rounding
}

// Fact is one line of a list of facts.
type Fact struct {
	Label string
	Value string
	Href  string // validated; opens in a new tab
	Time  *When  // shown after the value, or instead of it
	Mono  bool
}

// When is an instant, written in UTC. The script puts it into the reader's own time.
type When struct {
	ISO    string
	Text   string // in English
	Digits string // in figures everybody reads
	Form   string // "clock", "date" or "both", the form the script keeps
}

// Choose is the form that asks how to pay.
type Choose struct {
	Action    string
	Search    *Search // where there are many coins
	Groups    []Group
	From      *From
	AskMail   bool
	Mail      string
	Error     string // said at the coins, linked to them
	MailError string // said at the e-mail field, linked to it
}

// Group is a coin with the networks it can be paid on.
type Group struct {
	Name, Coin string
	Options    []Option
}

// Search finds a coin among many, without script.
type Search struct {
	Action string
	Typed  string
	All    string      // address of the whole list
	Hidden [][2]string // the rest of the view's state
	None   bool        // nothing matches
}

// From asks whether the payer pays from an account at an exchange. Wallet and Exchange are the values of the answers.
type From struct {
	Wallet, Exchange string
	AtExchange       bool
	Longer           bool // the price is held longer then
}

// Option is one coin on one network.
type Option struct {
	Value   string // asset id
	Coin    string // "BTC"
	Name    string // "Bitcoin"
	Network string // "Bitcoin"
	On      string // id of the network, for its mark
	Minutes int    // usual time until it is final; 0 is under a minute
	Amount  string // what would have to be sent, unbinding; empty when it is not known
	Approx  string // the same in the invoice's currency
	Starts  string // what addresses on the network begin with, where that tells networks apart
	Why     string // reason why it cannot be chosen; then it is disabled
	Note    string // what to know before choosing it
	Chosen  bool
}

// Method is the coin that was chosen.
type Method struct {
	Coin, Name, Network string
	On                  string // id of the network, for its mark
	Change              string // address of the method form; empty when it is too late
}

// Progress is how much of a part-paid sum is there, in smallest units that fit a progress bar.
type Progress struct {
	Received, Asked, Coin string
	Have                  int // parts of 1000
}

// Pay is what to send now, and where.
type Pay struct {
	Switched bool   // what came was of another coin: there is no original price of this one
	Arrives  string // what must arrive, for who pays from an exchange, which takes its fee out of what is sent
	Rest     bool   // the rest of a sum of which a part is there
	Amount   string // empty: any amount
	Coin     string
	Network  string
	Approx   string // "25.50 USD"
	Sub      string // "44,007 sat"
	Address  string
	Shared   bool    // other networks have the same addresses, so money sent there is not found
	Tag      *Tag    // of a shared address
	Exact    bool    // payers are told apart by the amount alone
	Fee      string  // code of the coin the network's fee is paid in; empty: not said
	ByHand   bool    // no code can carry the amount
	Wallets  Wallets // for this device
	QR       QR

	Injected *Injected // a wallet in the browser
	Outside  string    // address of the page outside the frame, where a wallet in the browser can pay
}

// Tag is what a payment to a shared address must carry.
type Tag struct {
	Memo  bool // a text, and not a number
	Value string
}

// Wallets are the ways to pay on the device the page is read on. All links were made by their builder.
type Wallets struct {
	Open  string   // one link for every wallet; empty: there are named ones, or none
	Named []Wallet // at most four
	Other string   // the link for wallets that are not named; may be empty
}

// None says that there is no link at all.
func (w Wallets) None() bool { return w.Open == "" && w.Other == "" && len(w.Named) == 0 }

// Wallet is one wallet by name.
type Wallet struct {
	ID   string // "trust"
	Name string // "Trust Wallet"
	Href string
}

// Injected is what the script for wallets in the browser goes by.
type Injected struct {
	Script string // its address: it loads only where there is a wallet
	Family string // "evm" or "tron"
	Tx     string // the transaction, as JSON
	Chain  string // what a wallet has to know of the network to add it, as JSON; empty where that cannot be
	Hint   string // where the hash goes
	To     string // the recipient, shortened
}

// QR is the code on the page.
type QR struct {
	Content string // the text it encodes
	Name    string // what it is, where it is not the address: "Destination tag"
	Size    int    // modules along a side, the quiet zone included
	Path    string // drawing of the dark modules
	Tabs    []Tab
	Picture string // address of the code alone, to enlarge without script
	Save    string // address of the PNG file
}

// Tab is one kind of code.
type Tab struct {
	Amount  bool // the code asks for the amount too
	Tag     bool // the code is the tag of a shared address; neither: it is the bare address
	Href    string
	Current bool
}

// Received is the money that arrived.
type Received struct {
	Label  string
	Amount string
	Coin   string
	Approx string
	Note   string
	At     *When
}

// Step is one line of the payment's story, oldest first.
type Step struct {
	Tone   string // "ok", "go", or empty for what is still to come
	Title  string
	Detail string
	Mono   string // a part of the detail in a fixed-width font
	Href   string
	Link   string
	At     *When
}

// Payment is one transfer that was seen.
type Payment struct {
	Amount, Coin string
	Tx           string // shortened
	TxID         string // whole, for paper
	Href         string
	State        string
	At           When
}

// Ring is the drawing of confirmations.
type Ring struct{ Have, Need int }

// Lock is how long the price holds.
type Lock struct {
	Until   When
	Minutes int
}

// Requote offers a new price.
type Requote struct {
	Action  string // empty when it may not be asked for any more
	Keep    bool   // the price would stay about the same
	Primary bool
}

// Finder looks a transaction up for who has paid and sees nothing of it.
type Finder struct {
	Action string
	Found  *Found // nil until something was asked
}

// Found is the answer.
type Found struct {
	Typed string
	Says  string
	Bad   bool // what was typed is no transaction id
}

// Refund asks where money shall go back to.
type Refund struct {
	Action  string
	Coin    string
	Network string
	Rest    bool   // a part came, and the rest will not
	Open    bool   // the form is unfolded
	Address string // in the field
	Kept    string // the address that is known
	Bad     bool   // what was typed is none
}

// Wrong is money that came in another coin than was asked for.
type Wrong struct {
	Amount, Coin, Network   string
	AskedCoin, AskedNetwork string
	Code                    string // of the invoice, for people to name to support
}

// Receipt is what a customer keeps of a payment.
type Receipt struct {
	Theme    string
	Assets   Assets
	Test     bool
	Final    bool // paid; before that it is a preview
	Merchant Merchant
	Short    string
	Total    string
	Currency string
	Paid     string // what came, in coins: "0.00044007 BTC"
	Facts    []Fact
	Payments []Payment // with whole transaction ids
	Back     string
}

// Failure is an error page.
type Failure struct {
	Theme     string
	Assets    Assets
	Status    int
	Text      string // said instead of the usual sentence
	Reference string // to tell support; empty where the page must have a constant length
}

// The forms of an instant.
const (
	Clock = "clock"
	Date  = "date"
	Both  = "both"
)

// At writes an instant in UTC.
func At(t time.Time, form string) When {
	t = t.UTC()
	w := When{ISO: t.Format("2006-01-02T15:04:05Z"), Form: form}
	switch form {
	case Clock:
		w.Text = t.Format("15:04 UTC")
		w.Digits = w.Text
	case Date:
		w.Text, w.Digits = t.Format("2 January 2006"), t.Format("2006-01-02")
	default:
		w.Text, w.Digits = t.Format("2 January 2006, 15:04 UTC"), t.Format("2006-01-02 15:04 UTC")
	}
	return w
}

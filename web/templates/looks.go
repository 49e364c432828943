package templates

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// tone is the colour of a state: "go" is the accent, the others report.
func (l Live) tone() string {
	switch l.State {
	case "waiting", "detected", "confirming", "refund_pending", "topup":
		return "is-go"
	case "paid", "paid_late", "overpaid", "refunded":
		return "is-ok"
	case "waiting_expiring", "underpaid", "expired_underpaid", "late", "wrong_asset":
		return "is-warn"
	case "failed":
		return "is-bad"
	}
	return "is-idle"
}

// icon is the name of a state's drawing. Colour never stands alone.
func (l Live) icon() string {
	switch l.State {
	case "choose":
		return "list"
	case "waiting":
		return "wait"
	case "waiting_expiring":
		return "clock"
	case "detected":
		return "seen"
	case "confirming":
		return "conf"
	case "paid", "paid_late":
		return "ok"
	case "overpaid":
		return "plus"
	case "underpaid", "expired_underpaid":
		return "half"
	case "late":
		return "late"
	case "failed":
		return "bad"
	case "cancelled":
		return "stop"
	case "unavailable":
		return "off"
	case "wrong_asset":
		return "warn"
	case "refund_pending", "refunded":
		return "back"
	case "topup":
		return "wallet"
	}
	return "expired"
}

// Favicon is the little picture of a view.
func (a Assets) Favicon(state string) string {
	switch state {
	case "detected", "confirming":
		return a.FavSeen
	case "paid", "paid_late", "overpaid", "refunded":
		return a.FavPaid
	case "underpaid", "wrong_asset", "refund_pending", "waiting_expiring", "expired", "expired_underpaid", "late", "failed", "unavailable":
		return a.FavAttn
	}
	return a.FavWait
}

// long says whether a figure needs the smaller size.
func long(amount string) bool { return len(amount) > 12 }

// initial is the letter of a merchant without a picture.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return ""
}

// part is a run of an address's characters.
type part struct {
	Text string
	Bold bool
}

// groups cuts an address into fours, with the first 4 and the last 6 characters bold: the ones people compare. The
// groups are set apart by style, not by spaces, so that what is selected is the address itself.
func groups(address string) [][]part {
	var out [][]part
	for start := 0; start < len(address); start += 4 {
		end := min(start+4, len(address))
		bold := func(i int) bool { return i < 4 || i >= len(address)-6 }
		var group []part
		for i := start; i < end; i++ {
			if n := len(group); n > 0 && group[n-1].Bold == bold(i) {
				group[n-1].Text += address[i : i+1]
			} else {
				group = append(group, part{Text: address[i : i+1], Bold: bold(i)})
			}
		}
		out = append(out, group)
	}
	return out
}

// grouped writes an address in its groups. It is written by hand because a template would put white space between
// the elements, and the text of the address must be the address.
func grouped(address string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for i, group := range groups(address) {
			if i > 0 {
				b.WriteString("<wbr>")
			}
			b.WriteString("<span>")
			for _, p := range group {
				if text := templ.EscapeString(p.Text); p.Bold {
					b.WriteString("<b>" + text + "</b>")
				} else {
					b.WriteString(text)
				}
			}
			b.WriteString("</span>")
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// The ring is a circle whose length is declared as 60, so that dashes are simple numbers. Up to 12 confirmations
// each have a segment; more are one arc.
const (
	ringLength   = 60.0
	ringGap      = 0.8
	ringSegments = 12
)

func (r Ring) segmented() bool { return r.Need > 1 && r.Need <= ringSegments }

// track is the dash pattern of the whole ring.
func (r Ring) track() string {
	if !r.segmented() {
		return "60 0"
	}
	return number(ringLength/float64(r.Need)-ringGap) + " " + number(ringGap)
}

// fill is the dash pattern of the part that is done.
func (r Ring) fill() string {
	if !r.segmented() {
		done := ringLength * float64(r.Have) / float64(max(r.Need, 1))
		return number(done) + " " + number(ringLength-done)
	}
	return r.dashes(r.Have)
}

// dashes draws the first n segments and nothing after them.
func (r Ring) dashes(n int) string {
	each := ringLength / float64(r.Need)
	pattern := make([]string, 0, 2*n)
	for i := range n {
		gap := ringGap
		if i == n-1 {
			gap += each * float64(r.Need-n)
		}
		pattern = append(pattern, number(each-ringGap), number(gap))
	}
	return strings.Join(pattern, " ")
}

// next is the dash pattern of the one segment the network is working on, and nextAt its offset.
func (r Ring) next() string {
	if !r.segmented() {
		return "60 0"
	}
	each := ringLength/float64(r.Need) - ringGap
	return number(each) + " " + number(ringLength-each)
}

func (r Ring) nextAt() string {
	if !r.segmented() {
		return "0"
	}
	return number(-ringGap/2 - ringLength/float64(r.Need)*float64(r.Have))
}

// start is the offset that centres the first gap at twelve o'clock.
func (r Ring) start() string {
	if !r.segmented() {
		return "0"
	}
	return number(-ringGap / 2)
}

func number(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 3, 64), "0"), ".")
}

// sign is the drawing in the place of the code, where there is nothing to scan and nothing to wait for.
func sign(state string) string {
	switch state {
	case "paid", "paid_late":
		return "tick"
	case "overpaid":
		return "excess"
	case "failed":
		return "cross"
	case "expired":
		return "dash"
	}
	return Live{State: state}.icon()
}

// stepClass is a step's tone; what is still to come has none.
func stepClass(s Step) string {
	if s.Tone == "" {
		return "todo"
	}
	return s.Tone
}

// fresh makes a link open beside a frame instead of in it.
func fresh(embedded bool) templ.Attributes {
	if embedded {
		return templ.Attributes{"target": "_blank", "rel": "noopener"}
	}
	return nil
}

// outward is a link into a wallet: an address of the web learns nothing of the page it is opened from.
func outward(href string, embedded bool) templ.Attributes {
	out := templ.Attributes{}
	if embedded {
		out["target"], out["rel"] = "_blank", "noopener"
	}
	if strings.HasPrefix(href, "https:") {
		out["rel"] = "noopener noreferrer nofollow"
	}
	return out
}

func boolText(yes bool) string { return strconv.FormatBool(yes) }

// top makes a link lead out of the frame.
func top(embedded bool) templ.Attributes {
	if embedded {
		return templ.Attributes{"target": "_top"}
	}
	return nil
}

// theme is the attribute that fixes light or dark.
func theme(name string) templ.Attributes {
	if name != "light" && name != "dark" {
		return nil
	}
	return templ.Attributes{"data-theme": name}
}

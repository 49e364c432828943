package templates

import (
	"context"
	"embed"
	"io"
	"path"
	"strings"

	"github.com/a-h/templ"
)

// The marks of coins and networks, each on a grid of 32 (see coins/LICENSE.txt).
//
//go:embed coins/*.svg
var coinFiles embed.FS

// marks are the drawings inside the files, by name: "USDT", "BASE".
var marks = readMarks()

// networkMarks names the mark of a network by its id. A network that is not here is known by its coin.
var networkMarks = map[string]string{
	"ethereum": "ETH", "bsc": "BNB", "polygon": "POL", "base": "BASE", "arbitrum": "ARBITRUM", "optimism": "OPTIMISM",
	"tron": "TRX", "solana": "SOL", "ton": "TON",
}

// readMarks takes the drawings out of their files. A file that does not read is a mistake of ours, which any test finds.
func readMarks() map[string]string {
	found := map[string]string{}
	entries, err := coinFiles.ReadDir("coins")
	if err != nil {
		panic("templates: " + err.Error())
	}
	for _, e := range entries {
		raw, err := coinFiles.ReadFile(path.Join("coins", e.Name()))
		if err != nil {
			panic("templates: " + err.Error())
		}
		_, drawing, _ := strings.Cut(strings.TrimSpace(string(raw)), ">")
		found[strings.ToUpper(strings.TrimSuffix(e.Name(), ".svg"))] = strings.TrimSuffix(drawing, "</svg>")
	}
	found["LTCT"] = found["LTC"] // the played coin is Litecoin's test coin
	return found
}

// coinOn draws the mark of a coin with the mark of its network, by the network's id, at the lower end. A coin on its own
// network has no second mark; a coin without a drawing shows its first letter.
func coinOn(symbol, network string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		drawing, ok := marks[symbol]
		if !ok {
			drawing = `<circle cx="16" cy="16" r="16" fill="#565e6e"/><text x="16" y="21.5" text-anchor="middle" font-size="16" font-weight="600" fill="#fff">` +
				templ.EscapeString(initial(symbol)) + `</text>`
		}
		if mark := networkMarks[network]; mark != "" && mark != symbol {
			drawing += `<circle class="rim" cx="25" cy="25" r="9.5"/><svg x="17" y="17" width="16" height="16" viewBox="0 0 32 32">` + marks[mark] + `</svg>`
		}
		_, err := io.WriteString(w, `<svg class="coin" viewBox="0 0 32 32" aria-hidden="true">`+drawing+`</svg>`)
		return err
	})
}

package checkout

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// violation is what a report says, without what it should not.
type violation struct{ directive, blocked string }

// mostReports of one request are read.
const mostReports = 5

// violations reads a report in either form browsers send: the list of the Reporting API, or the single object of
// report-uri. What is not understood is nothing.
func violations(r *http.Request) []violation {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	if err != nil {
		return nil
	}
	var list []struct {
		Type string `json:"type"`
		Body struct {
			Directive string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
		} `json:"body"`
	}
	var single struct {
		Report struct {
			Directive string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
		} `json:"csp-report"`
	}
	var found []violation
	if json.Unmarshal(body, &list) == nil {
		for _, each := range list {
			if each.Type == "csp-violation" && len(found) < mostReports {
				found = append(found, violation{word(each.Body.Directive), origin(each.Body.Blocked)})
			}
		}
	} else if json.Unmarshal(body, &single) == nil && single.Report.Directive != "" {
		found = append(found, violation{word(single.Report.Directive), origin(single.Report.Blocked)})
	}
	return found
}

// word is the first word of a text, if it is one of a policy.
func word(text string) string {
	text, _, _ = strings.Cut(text, " ")
	if len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "other"
	}
	return text
}

// origin is the scheme and host of an address, or the word that stands for one ("inline", "eval").
func origin(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" && len(u.Host) <= 100 {
		return u.Scheme + "://" + u.Host
	}
	scheme, _, _ := strings.Cut(text, ":")
	return word(scheme)
}

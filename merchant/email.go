package merchant

import "strings"

// Signs an e-mail address may have besides letters and digits: before the @, and in a label of the host.
const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	atomSigns    = alphanumeric + "!#$%&'*+/=?^_`{|}~-"
	labelSigns   = alphanumeric + "-"
)

// Email says whether text is an e-mail address as people have them: words joined by points before the @, a host name of at
// least two labels after it, at most 254 characters (RFC 5321), nothing quoted. Every face asks here, so that what one
// takes no other refuses.
func Email(text string) bool {
	local, host, ok := strings.Cut(text, "@")
	if !ok || len(local) > 64 || len(text) > 254 || !strings.Contains(host, ".") {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.Trim(atom, atomSigns) != "" {
			return false
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, labelSigns) != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// This file says what a URI-reference is, which an event's source must be:
// RFC 3986, where Go's net/url takes more than that.

package domain

import (
	"errors"
	"net/netip"
	"strings"
)

var (
	errSourceLength = errors.New("must have 1 to 255 bytes")
	errSourceSyntax = errors.New("must be a URI-reference (RFC 3986)")
)

// checkSource says which rule of a source s breaks, nil for none.
func checkSource(s string) error {
	if s == "" || len(s) > maxSourceBytes {
		return errSourceLength
	}
	if !isURIReference(s) {
		return errSourceSyntax
	}
	return nil
}

// isURIReference says that s is a URI or a relative reference.
func isURIReference(s string) bool {
	s, fragment, _ := strings.Cut(s, "#")
	s, query, _ := strings.Cut(s, "?")
	if !hasOnly(fragment, ":@/?") || !hasOnly(query, ":@/?") {
		return false
	}
	scheme, rest, hasScheme := cutScheme(s)
	if hasScheme && !isScheme(scheme) {
		return false
	}
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexByte(after, '/')
		if end < 0 {
			end = len(after)
		}
		if !isAuthority(after[:end]) {
			return false
		}
		path = after[end:]
	}
	return hasOnly(path, ":@/")
}

// cutScheme divides what stands before the first colon of the first segment
// from the rest. A relative reference has no colon there.
func cutScheme(s string) (scheme, rest string, found bool) {
	i := strings.IndexAny(s, ":/")
	if i < 0 || s[i] == '/' {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func isScheme(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i]) && !strings.ContainsRune("+-.", rune(s[i]))) {
			return false
		}
	}
	return s != ""
}

// isAuthority takes user information, a host and a port.
func isAuthority(s string) bool {
	if i := strings.IndexByte(s, '@'); i >= 0 {
		if !hasOnly(s[:i], ":") {
			return false
		}
		s = s[i+1:]
	}
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.Contains(s[i:], "]") {
		host, port = s[:i], s[i+1:]
	}
	for i := range len(port) {
		if !isDigit(port[i]) {
			return false
		}
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return isIPLiteral(host[1 : len(host)-1])
	}
	return hasOnly(host, "")
}

// isIPLiteral takes what may stand between brackets as a host.
func isIPLiteral(s string) bool {
	if future, ok := strings.CutPrefix(strings.ToLower(s), "v"); ok {
		version, address, found := strings.Cut(future, ".")
		return found && version != "" && strings.Trim(version, "0123456789abcdef") == "" &&
			address != "" && !strings.Contains(address, "%") && hasOnly(address, ":")
	}
	address, err := netip.ParseAddr(s)
	return err == nil && address.Is6() && address.Zone() == ""
}

// hasOnly says that s has only unreserved characters, sub-delims, percent
// triplets and the characters of more.
func hasOnly(s, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isLetter(c), isDigit(c), strings.IndexByte("-._~!$&'()*+,;=", c) >= 0, strings.IndexByte(more, c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

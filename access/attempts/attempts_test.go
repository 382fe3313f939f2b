package attempts

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7:1000": "192.0.2.7/32", "192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32",
		"[2001:db8::1]:80": "2001:db8::/64", "2001:db8::1": "2001:db8::/64", "fe80::1%eth0": "fe80::/64",
		"": "", "unknown": "", "_hidden": "", "192.0.2.7:x:y": "",
	} {
		got, ok := Network(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("Network(%q) = %v, %v", text, got, ok)
		}
	}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// However many addresses guess, what is remembered of them is bounded, and the
// one that goes on guessing isn't forgotten.
func TestMemoryOfAttemptsIsBounded(t *testing.T) {
	a := New(func() time.Time { return now })
	persistent := netip.MustParsePrefix("192.0.2.7/32")
	for range Free {
		a.Failed(persistent, "guess")
	}
	for i := range 5 * rememberedAddresses {
		a.Failed(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), "guess")
		a.Succeeded(fmt.Sprint("key ", i))
		if i%1000 == 0 && a.Wait(persistent, "guess") == 0 {
			t.Fatalf("it is forgotten after %d others", i)
		}
	}
	for name, n := range map[string]int{
		"addresses": len(a.refused.young) + len(a.refused.old), "keys": len(a.good.young) + len(a.good.old),
	} {
		if n > 2*rememberedAddresses {
			t.Errorf("%d %s are remembered", n, name)
		}
	}
}

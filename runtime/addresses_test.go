package runtime

import (
	"net/netip"
	"sync"
	"testing"
)

func TestAddressKey(t *testing.T) {
	same := func(a, b string) bool {
		return addressKey(netip.MustParseAddr(a)) == addressKey(netip.MustParseAddr(b))
	}
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::2", true},
		{"2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::1", "192.0.2.1", false},
		{"0:0:c000:201::", "192.0.2.1", false},
	} {
		if same(tc.a, tc.b) != tc.want {
			t.Errorf("%s and %s are one client: %v", tc.a, tc.b, !tc.want)
		}
	}
}

// TestAddressesAreForgotten: nothing is kept of an address whose connections have
// all gone, however they came and went at once.
func TestAddressesAreForgotten(t *testing.T) {
	a := addresses{most: 3, conns: make(map[uint64]int32)}
	var wg sync.WaitGroup
	for i := range 8 {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 2)}), uint16(i))
		wg.Go(func() {
			for range 1000 {
				if a.enter(peer) {
					a.leave(peer)
				}
			}
		})
	}
	wg.Wait()
	if len(a.conns) != 0 {
		t.Errorf("%d addresses are left: %v", len(a.conns), a.conns)
	}
}

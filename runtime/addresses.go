package runtime

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// addresses counts the connections of each client address, from their handshake
// on. A message knows nothing of it, and neither does a connection: its address
// says where it is counted.
type addresses struct {
	most   int32   // Set by New, never changed. 0: no limit, and nothing is counted.
	exempt proxies // Set by New, never changed.

	mu    sync.Mutex
	conns map[uint64]int32 // Guarded by mu. By what addressKey returns.
}

// addressKey is what connections of one client have in common: its IPv4 address,
// or the first 64 bits of an IPv6 one, behind which one host has all addresses.
func addressKey(a netip.Addr) uint64 {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		const multicast = 0xffffffff << 32 // from where nobody connects
		return multicast | uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:])
}

// counts reports whether there is a limit on peer. What has no address is
// somebody's pipe, and a proxy that does not say whom it speaks for may be
// anybody.
func (a *addresses) counts(peer netip.AddrPort) bool {
	return a.most > 0 && peer.IsValid() && !a.exempt.trust(peer.Addr())
}

// enter counts a connection, and reports whether there may be one more.
func (a *addresses) enter(peer netip.AddrPort) bool {
	if !a.counts(peer) {
		return true
	}
	key := addressKey(peer.Addr())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns[key] >= a.most {
		return false
	}
	a.conns[key]++
	return true
}

// leave forgets one that was counted.
func (a *addresses) leave(peer netip.AddrPort) {
	if !a.counts(peer) {
		return
	}
	key := addressKey(peer.Addr())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns[key]--; a.conns[key] == 0 {
		delete(a.conns, key)
	}
}

package netpoll

import (
	"os"
	"testing"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// Without a descriptor left, connections are turned away one by one instead of
// keeping the listening socket readable; with some again, all is as before.
func TestNoDescriptorsLeft(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	var peers []*peer
	for range 10 {
		peers = append(peers, w.tcp()) // the kernel has accepted them, the loop has not
	}
	restore := limitDescriptors(t, 3)
	for _, p := range peers {
		p.write(clientHead)
	}
	gone, served := 0, 0
	w.until("all are served or turned away", func() bool {
		gone, served = 0, 0
		for _, p := range peers {
			switch {
			case p.ended != nil:
				gone++
			case len(p.in) == len(serverHead):
				served++
			}
		}
		return gone+served == len(peers)
	})
	if gone == 0 || served == 0 {
		t.Errorf("%d were turned away and %d served, want some of both", gone, served)
	}
	restore()
	p := w.openTCP()
	p.send(text("x"))
	p.expect(ws.OpText, "x")
}

// limitDescriptors leaves the process at most n descriptors until restore.
func limitDescriptors(t *testing.T, n uint64) (restore func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	free := uint64(f.Fd()) // the lowest that is free
	f.Close()
	low := unix.Rlimit{Cur: free + n, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	restore = func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }
	t.Cleanup(restore)
	return restore
}

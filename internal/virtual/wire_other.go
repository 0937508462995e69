//go:build !unix

package virtual

import (
	"net"

	"github.com/seed-c6589352/wherry/netpoll"
)

// A wire cannot be had where there is no server.
type wire struct{}

func newWire(net.Conn) (*wire, error) { return nil, netpoll.ErrUnsupported }

func (w *wire) read([]byte) (int, error)  { return 0, netpoll.ErrUnsupported }
func (w *wire) write([]byte) (int, error) { return 0, netpoll.ErrUnsupported }
func (w *wire) close()                    {}

package wsdeflate

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// What a compressed message can do wrong. All are *[wsframe.Error], so that
// they know the close code to fail the connection with.
var (
	// ErrCorrupt: the message is not DEFLATE, refers to what is not in the
	// window, or ends too early.
	ErrCorrupt = &wsframe.Error{Code: ws.StatusInvalidFramePayloadData, Reason: "message does not inflate"}

	ErrTooBig      = wsframe.ErrTooBig      // the inflated message is over the limit
	ErrInvalidUTF8 = wsframe.ErrInvalidUTF8 // the inflated text is not UTF-8
)

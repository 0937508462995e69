package guesttest

import "net/http"

// Gather returns what options say, for a client that is not the kit's.
func Gather(all []Option) (header http.Header, subprotocols []string) {
	o := gather(all)
	return o.header, o.subprotocols
}

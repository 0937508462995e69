package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// serveProfiles listens on address for who wants a profile of this process, and says
// where. Stop ends it. With no address there is nothing to stop.
//
// It has a listener and a mux of its own: what is served to clients never leads here.
func (f *configFile) serveProfiles(stderr io.Writer) (stop func(), err error) {
	if f.pprof == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", f.pprof)
	if err != nil {
		return nil, f.pprofError(err)
	}
	srv := &http.Server{Handler: profilesHandler(), ReadHeaderTimeout: 5 * time.Second}
	go srv.Serve(listener)
	fmt.Fprintf(stderr, "wherry: profiles at http://%s/debug/pprof/\n", listener.Addr())
	return func() { srv.Close() }, nil
}

// profilesHandler answers with profiles, and only who asks for this machine by an
// address or name of its own: a page of somebody else's, whose name leads here, is
// refused.
func profilesHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !isLoopbackHost(host) {
			http.Error(w, "ask for it by a loopback address", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// isLoopbackAddress reports whether nobody but this machine can connect to s.
func isLoopbackAddress(s string) bool {
	host, _, err := net.SplitHostPort(s)
	return err == nil && isAddress(s) && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// loopbackAddress reads where to listen for this machine only.
func loopbackAddress(to *string) reader {
	return func(v value) {
		s, ok := v.any.(string)
		if !ok || !isLoopbackAddress(s) {
			v.expected(`a loopback address such as "127.0.0.1:6060"`)
			return
		}
		*to = s
	}
}

// pprofError keeps of err what the caller does not know.
func (f *configFile) pprofError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = systemError(op.Err)
	}
	place := "--pprof"
	if line := f.doc.line(path{"pprof"}); line > 0 && !f.pprofFlag {
		place = fmt.Sprintf("pprof in %s:%d", f.doc.name, line)
	}
	return fmt.Errorf("cannot listen on %s for profiles: %w; choose another with %s", f.pprof, err, place)
}

package wherry

// check deals with what a handler of a connection returned.
func (c *Conn) check(event string, err error) {
	if err == nil {
		return
	}
	f := &Failure{Conn: c, Endpoint: c.site.Endpoint, Route: c.site.route, Event: event, Err: err}
	f.settle()
}

// settle asks the handlers and does what is the default if none deals with f.
func (f *Failure) settle() {
	done, own := f.ask()
	switch {
	case own != nil:
		f.unexpected(own)
	case !done:
		f.standard()
	}
}

// ask asks handlers in their order until one has dealt with f, or fails itself.
func (f *Failure) ask() (done bool, own error) {
	for _, handler := range guest.byType {
		if done, own = handler(f); done || own != nil {
			return done, own
		}
	}
	if e, ok := find[*HTTPError](f.Err); ok {
		for _, h := range guest.byStatus {
			if h.status != e.Status {
				continue
			}
			if done, own = h.call(f, e); done || own != nil {
				return done, own
			}
		}
	}
	if f.Endpoint.OnError != nil {
		return f.Endpoint.OnError(f)
	}
	return false, nil
}

// standard is the default for each type of error.
func (f *Failure) standard() {
	var err error
	if e, ok := find[*CloseError](f.Err); ok {
		err = f.close(e)
	} else if e, ok := find[*HTTPError](f.Err); ok {
		err = f.answer(e)
	} else if e, ok := find[*StateError](f.Err); !ok || e.Phase < Closing {
		err = f.Err
	}
	if err != nil {
		f.unexpected(err)
	}
}

// close closes by a policy. The error is what is unexpected about it.
func (f *Failure) close(e *CloseError) error {
	switch {
	case f.Exchange != nil:
		return f.answer(&HTTPError{Status: StatusForbidden, Detail: e.Reason})
	case f.Conn.phase >= Closing:
		return f.Err
	}
	return f.Conn.Close(e.Code, e.Reason)
}

// answer answers with an HTTP status. The error is what is unexpected about it.
func (f *Failure) answer(e *HTTPError) error {
	header, body := jsonHeader(e.Header), detailBody(e.detail())
	switch {
	case f.Exchange != nil && !f.Exchange.answered:
		return f.Exchange.Respond(e.Status, header, body)
	case f.Conn != nil && f.Conn.phase == Connecting:
		return f.Conn.Deny(e.Status, header, body)
	}
	return f.Err
}

// unexpected logs err and ends what it came from, without telling the client more
// than that something failed, unless this is for debugging.
func (f *Failure) unexpected(err error) {
	line := f.Route + " " + f.Event + ": " + err.Error()
	Log(LevelError, line)
	header, body, reason := jsonHeader(nil), detailBody("Internal Server Error"), "internal error"
	if settings.debug {
		header, body = Header{{"content-type", "text/plain; charset=utf-8"}}, []byte(line+"\n")
		reason = err.Error()
	}
	switch {
	case f.Exchange != nil && !f.Exchange.answered:
		logFailure(f.Route+" "+f.Event, f.Exchange.Respond(StatusInternalServerError, header, body))
	case f.Conn != nil && f.Conn.phase == Connecting:
		logFailure(f.Route+" "+f.Event, f.Conn.Deny(StatusInternalServerError, header, body))
	case f.Conn != nil && f.Conn.phase == Open:
		f.Conn.shut(CloseInternalError, reason)
	}
}

// jsonHeader returns the header of a JSON body, with more behind.
func jsonHeader(more Header) Header {
	return append(Header{{"content-type", "application/json"}}, more...)
}

// detailBody returns the body of an answer that says one thing.
func detailBody(detail string) []byte {
	return append(appendString([]byte(`{"detail":`), detail), '}')
}

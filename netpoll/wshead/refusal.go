package wshead

// A Refusal is an answer that is not 101. After it the connection is closed.
// It is an error to branch on: compare with the values below.
type Refusal struct {
	Status int    // of the HTTP response
	Name   string // stable, for logs and metrics; documented with what to do about it
	Text   string // one sentence for the client: which part is wrong
	Fields string // field lines that belong to the answer, each with its CRLF
}

// Error returns the name and the sentence.
func (r *Refusal) Error() string { return r.Name + ": " + r.Text }

const (
	allowGET      = "Allow: GET\r\n"
	offerUpgrade  = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	retryShortly  = "Retry-After: 1\r\n"
	retryAfterRun = "Retry-After: 5\r\n"
)

// Refusals of bytes that are no HTTP/1.1 head, in the order of its parts.
var (
	TLSHello            = &Refusal{400, "tls_hello", "This port speaks plain HTTP, and a TLS handshake came.", ""}
	BadMethod           = &Refusal{400, "bad_method", "The request does not begin with a method and a space.", ""}
	BadTarget           = &Refusal{400, "bad_target", "The request target is not a path or an http, https, ws or wss URL of ASCII characters.", ""}
	TargetTooLong       = &Refusal{414, "target_too_long", "The request target is too long.", ""}
	BadHTTPVersion      = &Refusal{400, "bad_http_version", "The request line does not end in an HTTP version such as HTTP/1.1.", ""}
	BadHTTPMajor        = &Refusal{505, "bad_http_major", "This port speaks HTTP/1.1 only.", ""}
	BadLineEnd          = &Refusal{400, "bad_line_end", "A line does not end in CR LF.", ""}
	ObsFold             = &Refusal{400, "obs_fold", "A field is continued on a second line.", ""}
	SpaceInName         = &Refusal{400, "space_in_name", "A field name has white space in it or before its colon.", ""}
	BadFieldName        = &Refusal{400, "bad_field_name", "A field name is not a token followed by a colon.", ""}
	BadFieldValue       = &Refusal{400, "bad_field_value", "A field value has a control character in it.", ""}
	LineTooLong         = &Refusal{431, "line_too_long", "A line of the request head is too long.", ""}
	TooManyFields       = &Refusal{431, "too_many_fields", "The request has too many fields.", ""}
	HeadTooLarge        = &Refusal{431, "head_too_large", "The request head is too large.", ""}
	HostMissing         = &Refusal{400, "host_missing", "The Host field is missing.", ""}
	HostDuplicate       = &Refusal{400, "host_duplicate", "The Host field appears more than once.", ""}
	BadHost             = &Refusal{400, "bad_host", "The Host field or the target's host is not a host with an optional port.", ""}
	BadContentLength    = &Refusal{400, "bad_content_length", "The Content-Length field is not one decimal number.", ""}
	BadTransferEncoding = &Refusal{400, "bad_transfer_encoding", "The Transfer-Encoding field appears twice, with Content-Length, or in HTTP/1.0.", ""}
)

// Refusals of a head that asks for a WebSocket and is no valid handshake
// (RFC 6455, section 4.2.1), in the order in which CheckUpgrade looks.
var (
	MethodNotAllowed = &Refusal{405, "method_not_allowed", "A WebSocket handshake is a GET request.", allowGET}
	UnknownMethod    = &Refusal{501, "unknown_method", "The request method is not one of HTTP's; methods are written in capitals.", ""}
	HTTP10           = &Refusal{400, "http_10", "A WebSocket handshake needs HTTP/1.1, and the request says HTTP/1.0.", ""}
	UpgradeRequired  = &Refusal{426, "upgrade_required", "This is a WebSocket endpoint: connect with a WebSocket client, whose request has Upgrade: websocket.", offerUpgrade}
	BadConnection    = &Refusal{400, "bad_connection", "The Connection field does not list Upgrade; a proxy in between may have removed it.", ""}
	BodyOnUpgrade    = &Refusal{400, "body_on_upgrade", "A WebSocket handshake has no body, and Content-Length or Transfer-Encoding announces one.", ""}
	KeyMissing       = &Refusal{400, "key_missing", "The Sec-WebSocket-Key field is missing.", ""}
	KeyDuplicate     = &Refusal{400, "key_duplicate", "The Sec-WebSocket-Key field appears more than once.", ""}
	BadKey           = &Refusal{400, "bad_key", "The Sec-WebSocket-Key field is not 16 bytes in base64.", ""}
	VersionDuplicate = &Refusal{400, "version_duplicate", "The Sec-WebSocket-Version field appears more than once.", ""}
	BadVersion       = &Refusal{426, "bad_version", "The Sec-WebSocket-Version field is missing or not 13.", offerUpgrade}
	BadProtocol      = &Refusal{400, "bad_protocol", "The Sec-WebSocket-Protocol field is not a list of tokens.", ""}
	BadExtensions    = &Refusal{400, "bad_extensions", "The Sec-WebSocket-Extensions field is not a list of extensions.", ""}
	OriginDuplicate  = &Refusal{400, "origin_duplicate", "The Origin field appears more than once.", ""}
)

// Refusals that the layers above decide on: deadlines, routes, tenants, guests.
var (
	HeadTimeout   = &Refusal{408, "head_timeout", "The request head was not complete in time.", ""}
	NotFound      = &Refusal{404, "not_found", "Nothing is served at this path.", ""}
	OriginRefused = &Refusal{403, "origin_refused", "This Origin may not connect here.", ""}
	WebSocketOff  = &Refusal{501, "websocket_off", "WebSocket support is turned off for this route.", ""}
	GuestFailed   = &Refusal{500, "guest_failed", "The application failed before it answered.", ""}
	NoAnswer      = &Refusal{503, "no_answer", "The application did not answer in time.", ""}
	GuestDown     = &Refusal{503, "guest_down", "The application keeps failing and is being restarted.", retryShortly}
	TooFast       = &Refusal{429, "too_fast", "More connections come than there may be in a second.", retryShortly}
	Full          = &Refusal{503, "full", "The server has as many connections as it may have.", retryShortly}
	AddressFull   = &Refusal{503, "address_full", "Your address has as many connections as one may have.", retryShortly}
	ShuttingDown  = &Refusal{503, "shutting_down", "The server is shutting down.", retryAfterRun}
)

// Refusals of HTTP requests that are for a guest, and no handshakes.
var (
	BadBody         = &Refusal{400, "bad_body", "The request body is cut off or malformed.", ""}
	BodyTimeout     = &Refusal{408, "body_timeout", "The request body was not complete in time.", ""}
	BodyTooLarge    = &Refusal{413, "body_too_large", "The request is larger than the application takes.", ""}
	TooManyRequests = &Refusal{503, "too_many_requests", "The application has as many requests waiting as it may have.", retryShortly}
	NoResponse      = &Refusal{504, "no_response", "The application did not respond in time.", ""}
)

// Refusals returns every refusal of this package, for documentation and tests.
func Refusals() []*Refusal {
	return []*Refusal{
		TLSHello, BadMethod, BadTarget, TargetTooLong, BadHTTPVersion, BadHTTPMajor, BadLineEnd, ObsFold, SpaceInName,
		BadFieldName, BadFieldValue, LineTooLong, TooManyFields, HeadTooLarge, HostMissing, HostDuplicate, BadHost,
		BadContentLength, BadTransferEncoding,
		MethodNotAllowed, UnknownMethod, HTTP10, UpgradeRequired, BadConnection, BodyOnUpgrade, KeyMissing, KeyDuplicate,
		BadKey, VersionDuplicate, BadVersion, BadProtocol, BadExtensions, OriginDuplicate,
		HeadTimeout, NotFound, OriginRefused, WebSocketOff, GuestFailed, NoAnswer, GuestDown, TooFast, Full, AddressFull, ShuttingDown,
		BadBody, BodyTimeout, BodyTooLarge, TooManyRequests, NoResponse,
	}
}

package abi

// CloseCodes returns the close codes that IANA's registry of WebSocket close
// codes names, in the order of the numbers. Codes that are never on the wire, 1004
// to 1006 and 1015, are there for the close events and logs that have them.
func CloseCodes() []Name {
	return []Name{
		{"normal", 1000, "what the connection was for has been done"},
		{"going_away", 1001, "the server shuts down, or the page was left"},
		{"protocol_error", 1002, "the peer broke the protocol; the host's to send"},
		{"unsupported_data", 1003, "a kind of message that the endpoint does not take"},
		{"reserved", 1004, "never sent; without a meaning"},
		{"no_status", 1005, "never sent: the close frame had no code"},
		{"abnormal", 1006, "never sent: the connection vanished"},
		{"invalid_data", 1007, "a message that is not what it says, such as text that is no UTF-8"},
		{"policy_violation", 1008, "against the rules of this server, where no other code says more"},
		{"too_big", 1009, "a message that is too big"},
		{"mandatory_extension", 1010, "a client's to send: the server did not agree to an extension"},
		{"internal_error", 1011, "something failed on this side"},
		{"service_restart", 1012, "the service restarts: connect again"},
		{"try_again_later", 1013, "the service has too much to do"},
		{"bad_gateway", 1014, "a server behind this one gave a bad answer"},
		{"tls_handshake", 1015, "never sent: the TLS handshake failed"},
		{"unauthorized", 3000, "who this is has to be known first"},
		{"forbidden", 3003, "who this is is known, and may not"},
		{"timeout", 3008, "something took too long"},
	}
}

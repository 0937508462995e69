package interop_test

import "testing"

// TestClients runs every foreign client against one server. A client that is new here
// gets a file and a line.
func TestClients(t *testing.T) {
	url := startWherry(t, "--loops", "1", "--max-message", "16777216")
	t.Run("coder", func(t *testing.T) { testCoder(t, url) })
	t.Run("gorilla", func(t *testing.T) { testGorilla(t, url) })
}

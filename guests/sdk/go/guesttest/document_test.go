package guesttest_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/guests/sdk/go/guesttest"
	"github.com/seed-c6589352/wherry/runtime"
)

func TestEcho(t *testing.T) {
	h := guesttest.New(t, guests.Echo(), guesttest.Config{
		Routes: []string{"/ws"},
		Limits: runtime.Limits{IdleTimeout: time.Minute},
	})
	c := h.MustDial("/ws", guesttest.Header("Origin", "https://example.com"))
	if err := c.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	c.ExpectText("hello")
	c.ExpectNothing()

	_, err := h.Dial("/elsewhere")
	var refused *guesttest.Refused
	if !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("dial: %v", err)
	}

	h.Advance(2 * time.Minute)
	c.ExpectClose(1001, "idle timeout")
}

// TestDocument: the test of docs/testing.md is the one above.
func TestDocument(t *testing.T) {
	document, err := os.ReadFile("../../../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	this, err := os.ReadFile("document_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(document), "\n```go\n")
	block, _, ok := strings.Cut(after, "\n```\n")
	_, example, _ := strings.Cut(block, "func TestEcho(")
	if !ok || !strings.Contains(string(this), "func TestEcho("+example+"\n\n") {
		t.Errorf("docs/testing.md has\n%s", block)
	}
}

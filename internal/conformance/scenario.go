package conformance

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// A Scenario is what clients do, one step after the other, and what they and the
// guest must see. README.md of the data explains the steps.
type Scenario struct {
	ID      string
	Title   string
	Server  map[string]any // options of the server under test
	Client  []Step
	Handler string // what the guest does, in words
	Expect  struct {
		Wire   string
		Events []WantedEvent
	}
}

// Scenarios returns the cases of semantics.json.
func Scenarios(t testing.TB) []Scenario { return load[Scenario](t, "semantics.json") }

// Deliveries returns the ways to deliver what the clients of s send.
// A scenario that measures memory is delivered whole only: it has the process for
// itself.
func (s *Scenario) Deliveries(seed uint64) []Delivery {
	if s.MeasuresMemory() {
		return []Delivery{Whole()}
	}
	return deliveries(s.ID, "", 0, seed)
}

// MeasuresMemory reports whether s looks at the memory of the server's process.
func (s *Scenario) MeasuresMemory() bool {
	return slices.ContainsFunc(s.Client, func(step Step) bool {
		return step.ExpectServer != nil && step.ExpectServer.RSSGrowthMaxMB > 0
	})
}

// A Step has one of its fields set, besides Conn and ByteAtATime.
type Step struct {
	Conn        string // which connection; "" is "A"
	ByteAtATime bool   `json:"byte_at_a_time"`

	SendHTTP        []HeadLine `json:"send_http"`
	SendFrame       *SentFrame `json:"send_frame"`
	SendFramesUntil *SentFrame `json:"send_frames_until_blocked"`
	WaitMS          int        `json:"wait_ms"`
	TCP             string     // "fin", "rst", "half_close" or "stop_reading"
	Signal          string
	TouchModule     bool          `json:"touch_guest_module"`
	ExpectHTTP      *WantedHTTP   `json:"expect_http"`
	ExpectFrame     *WantedFrame  `json:"expect_frame"`
	ExpectEOF       *WantedEOF    `json:"expect_eof"`
	ExpectServer    *WantedServer `json:"expect_server"`
}

// A HeadLine is a line of a request head, without its end.
type HeadLine string

// UnmarshalJSON takes a string, or a field whose value is a repetition.
func (l *HeadLine) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, (*string)(l))
	}
	var long struct {
		Name, Repeat string
		Count        int
	}
	if err := json.Unmarshal(b, &long); err != nil {
		return err
	}
	*l = HeadLine(long.Name + ": " + strings.Repeat(long.Repeat, long.Count))
	return nil
}

// A SentFrame is a frame of the client's.
type SentFrame struct {
	Op            string
	Payload       string
	PayloadHex    string `json:"payload_hex"`
	PayloadRepeat *struct {
		Byte  string
		Count int
	} `json:"payload_repeat"`
	Code        *ws.StatusCode // close; nil: none
	Reason      string         // close
	Fin         *bool          // nil: true
	Mask        *bool          // nil: true
	ByteAtATime bool           `json:"byte_at_a_time"`
	Max         int            // of those that are sent until the server blocks
}

// wire returns f's bytes.
func (f *SentFrame) wire() ([]byte, error) {
	payload, err := hex.DecodeString(f.PayloadHex)
	if err != nil {
		return nil, err
	}
	payload = append(payload, f.Payload...)
	if r := f.PayloadRepeat; r != nil {
		b, err := hex.DecodeString(r.Byte)
		if err != nil {
			return nil, err
		}
		payload = bytes.Repeat(b, r.Count)
	}
	var op ws.OpCode
	for op = ws.OpContinuation; opName(op) != f.Op; op++ {
		if op > ws.OpPong {
			return nil, fmt.Errorf("no opcode is called %q", f.Op)
		}
	}
	if f.Code != nil {
		payload = ws.NewCloseFrameBody(*f.Code, f.Reason)
	}
	frame := ws.NewFrame(op, f.Fin == nil || *f.Fin, payload)
	if f.Mask != nil && !*f.Mask {
		return ws.CompileFrame(frame)
	}
	return masked(frame), nil
}

// A WantedHTTP is a response that must come.
type WantedHTTP struct {
	Status               int
	StatusIn             []int `json:"status_in"`
	Headers              map[string]string
	AbsentHeaders        []string       `json:"absent_headers"`
	HeaderListContains   [][2]string    `json:"header_list_contains"` // in this order
	MaxHeaderCount       map[string]int `json:"max_header_count"`
	Body                 *string
	BodyContains         string            `json:"body_contains"`
	BodyNotContains      string            `json:"body_not_contains"`
	BodyContainsIfStatus map[string]string `json:"body_contains_if_status"`
}

// A WantedFrame is a frame that must come. One of the server's pings is answered
// while another frame is waited for.
type WantedFrame struct {
	Op                string
	Payload           *string
	PayloadLen        *int `json:"payload_len"`
	Code              *ws.StatusCode
	CodeIn            []ws.StatusCode `json:"code_in"`
	Reason            *string
	ReasonMaxBytes    int            `json:"reason_max_bytes"`
	ReasonPrefix      string         `json:"reason_prefix"`
	ReasonNotContains string         `json:"reason_not_contains"`
	ReplyPong         bool           `json:"reply_pong"`
	JSONContains      map[string]any `json:"json_contains"`
}

// A WantedEOF is the end of the stream.
type WantedEOF struct {
	WithinMS     int   `json:"within_ms"`
	ResetAllowed *bool `json:"rst_allowed"` // nil: yes
}

// A WantedServer is about the server's process.
type WantedServer struct {
	RSSGrowthMaxMB int `json:"rss_growth_max_mb"`
	ExitedWithinMS int `json:"exited_within_ms"`
}

// A WantedEvent is one that the guest must see. What is not set may be anything.
type WantedEvent struct {
	Type         string // "connect", "receive", "disconnect", "send_result" or "http"
	Code         *int
	CodeIn       []int `json:"code_in"`
	Reason       *string
	Kind         string
	Data         *string
	Subprotocols []string
	Error        string
	ErrorIn      []string `json:"error_in"`
	Client       string
	Scheme       string
	Method, Path string // http

	// FirstErrorIndexMax counts sends from 0: one of these is the first to fail.
	FirstErrorIndexMax *int `json:"first_error_index_max"`
}

func (w *WantedEvent) String() string {
	s := w.Type
	if w.Code != nil {
		s += fmt.Sprint(" ", *w.Code, w.CodeIn)
	}
	if w.Data != nil {
		s += fmt.Sprintf(" %q", *w.Data)
	}
	return s
}

// matches reports whether e is w.
func (w *WantedEvent) matches(e Event) bool {
	switch w.Type {
	case "connect":
		return e.Type == "connect" && (w.Scheme == "" || w.Scheme == e.Scheme) && strings.HasPrefix(e.Peer, w.Client) &&
			(w.Subprotocols == nil || strings.Join(w.Subprotocols, ", ") == e.Protocols)
	case "receive":
		return e.Type == "receive" && e.Kind == w.Kind && w.matchesData(e)
	case "disconnect":
		return e.Type == "disconnect" && w.matchesCode(e.Code) && (w.Reason == nil || *w.Reason == e.Reason)
	case "send_result":
		if w.FirstErrorIndexMax != nil {
			return e.Type == "fault" && e.Command == messageKind && e.Sent <= *w.FirstErrorIndexMax+1
		}
		return e.Type == "fault" && w.matchesStatus(e.Status)
	case "http":
		return e.Type == "http" && e.Method == w.Method && e.Path == w.Path
	}
	return false
}

func (w *WantedEvent) matchesData(e Event) bool {
	var n int
	switch {
	case w.Data == nil:
		return true
	case scan(*w.Data, "<%d bytes>", &n):
		return e.Len == n
	case e.Kind == "binary":
		return e.Data == hex.EncodeToString([]byte(*w.Data))
	}
	return e.Data == *w.Data
}

func (w *WantedEvent) matchesCode(code int) bool {
	for _, c := range w.CodeIn {
		if c == code {
			return true
		}
	}
	return w.CodeIn == nil && (w.Code == nil || *w.Code == code)
}

// messageKind is the kind of a command that sends a message.
const messageKind = 3

// Statuses of the guest ABI, by the names that the scenarios give them.
var statuses = map[string]int{"DISCONNECTED": 1, "WOULD_BLOCK": 2, "INVALID_STATE": 4, "QUEUE_FULL": 7}

func (w *WantedEvent) matchesStatus(status int) bool {
	for _, name := range append(w.ErrorIn, cmp.Or(w.Error, "none")) {
		if statuses[name] == status {
			return true
		}
	}
	return false
}

// Enough reports whether the guest has seen all that s speaks of: then there is
// nothing to wait for.
func (s *Scenario) Enough(events []Event) bool { return s.missing(events) == nil }

// missing returns the first event that s wants and that is not there, in order.
func (s *Scenario) missing(events []Event) *WantedEvent {
	for i := range s.Expect.Events {
		w := &s.Expect.Events[i]
		for len(events) > 0 && !w.matches(events[0]) {
			events = events[1:]
		}
		if len(events) == 0 {
			return w
		}
		events = events[1:]
	}
	return nil
}

// CheckEvents compares what the guest saw. All that is wanted must be there, in
// order; between, there may be what a scenario does not speak of. What must not
// be is a second end of a connection, or an event after it that is no fault.
func (s *Scenario) CheckEvents(events []Event) error {
	ended := make(map[int]bool)
	for _, e := range events {
		if ended[e.Conn] && e.Type != "fault" {
			return fmt.Errorf("%q after the end of connection %d, in %v", e.Type, e.Conn, events)
		}
		ended[e.Conn] = ended[e.Conn] || e.Type == "disconnect"
	}
	if w := s.missing(events); w != nil {
		return fmt.Errorf("the guest did not see %s, in %v", w, events)
	}
	if len(s.Expect.Events) == 0 && len(events) > 0 {
		return fmt.Errorf("the guest saw %v, and should see nothing", events)
	}
	return nil
}

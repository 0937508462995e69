// puppet does what its clients tell it, so that a test in Go can issue any
// command whatever, and see every event.
//
// A binary message is a script: records, each followed by the bytes that it
// points to, zeros to 8. They become commands as they are, but for
//
//   data 0xffffffff   the bytes that follow the record, len of them
//   conn 0            the connection that sent the script
//   conn ~0           no connection: 0
//   token ~1          whose fault is answered by the same command, without end
//
// and the kinds below, which are for the puppet itself. A text message is sent
// back. A connection is accepted, unless its query says otherwise:
//
//   ?observe          it hears of every event, a line of text for each:
//                     "kind flags code conn token len", for a close the reason,
//                     for a resume path and attachment
//   ?wait             it is not answered
//   ?trap             the guest traps
//
// An HTTP request is answered by a script only; but for the query ?trap.
//
// PUPPET_INBOX_BYTES and PUPPET_WANTS make puppets that differ.
#ifdef PUPPET_INBOX_BYTES
#define WHERRY_INBOX_BYTES PUPPET_INBOX_BYTES
#endif
#ifdef PUPPET_WANTS
#define WHERRY_WANTS PUPPET_WANTS
#endif
#include "../../guests/sdk/c/wherry.h"

enum {
  TRAP = 0xff00,   // stop abnormally
  FLUSH = 0xff01,  // flush, and tell the observer "flushed" and how many were refused
  REPEAT = 0xff02, // the next record counts code times
  CURSOR = 0xff03, // write code to the cursor
  WIPE = 0xff04,   // overwrite the inbox with the byte code, and stop abnormally
  SPIN = 0xff06,   // run for ever
  TRAP_AT = 0xff05, // stop abnormally at the connection's next event of kind code
};

#define REPORT (~0ull)  // token of what goes to the observer: not reported itself
#define RALLY (~1ull)   // token of what is answered without end

static uint64_t observer;
static uint64_t trap_conn;
static uint32_t trap_kind;

// ---- Lines for the observer. ----

static char line[256];
static uint32_t line_len;

static void put_number(uint64_t n) {
  char digits[20];
  uint32_t used = 0;
  do digits[used++] = (char)('0' + n % 10);
  while (n /= 10);
  while (used) line[line_len++] = digits[--used];
  line[line_len++] = ' ';
}

static void put_text(wherry_span text) {
  __builtin_memcpy(line + line_len, text.at, text.len);
  line_len += text.len;
}

// end_line sends the line, but for the blank at its end.
static void end_line(void) {
  if (line[line_len - 1] == ' ') line_len--;
  char *at = wherry_stage(line_len);
  __builtin_memcpy(at, line, line_len);
  *wherry_slot() = (wherry_record){WHERRY_KIND_MESSAGE, WHERRY_FLAG_TEXT, 0, observer, (uint32_t)at, line_len, REPORT};
  line_len = 0;
}

static void report(const wherry_record *event) {
  if (!observer || event->token >= RALLY || event->conn == observer) return;
  put_number(event->kind);
  put_number(event->flags);
  put_number(event->code);
  put_number(event->conn);
  put_number(event->token);
  put_number(event->len);
  if (event->kind == WHERRY_KIND_CLOSE) put_text(wherry_data(event));
  if (event->kind == WHERRY_KIND_RESUME) {
    put_text(wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_PATH)));
    put_text(WHERRY_STR(" "));
    put_text(wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_ATTACHMENT)));
  }
  end_line();
}

// ---- Scripts. ----

static void perform(const wherry_record *command, uint32_t times) {
  while (times--) *wherry_slot() = *command;
}

static void flush(void) {
  put_text(WHERRY_STR("flushed "));
  put_number((uint64_t)wherry_flush());
  end_line();
}

static void run(uint64_t conn, wherry_span script) {
  uint32_t times = 1;
  while (script.len >= sizeof(wherry_record)) {
    wherry_record command;
    __builtin_memcpy(&command, script.at, sizeof(command));
    uint32_t size = sizeof(command);
    if (command.data == 0xffffffff) {
      if (command.len > script.len) return; // or its size could wrap, to no step at all
      command.data = (uint32_t)script.at + size;
      size += (command.len + 7) & ~7u;
    }
    script = (wherry_span){script.at + size, size < script.len ? script.len - size : 0};
    if (command.conn == 0) command.conn = conn;
    else if (command.conn == ~0ull) command.conn = 0;
    switch (command.kind) {
    case TRAP:
      __builtin_trap();
    case FLUSH:
      flush();
      continue;
    case REPEAT:
      times = command.code;
      continue;
    case CURSOR:
      *(volatile uint32_t *)&wherry_box.cursor = command.code;
      continue;
    case WIPE:
      __builtin_memset(wherry_inbox, (int)command.code, sizeof(wherry_inbox));
      __builtin_trap();
    case SPIN:
      for (volatile uint32_t i = 0;; i++) {
      }
    case TRAP_AT:
      trap_conn = command.conn;
      trap_kind = command.code;
      continue;
    }
    perform(&command, times);
    times = 1;
  }
}

// ---- Events. ----

static wherry_span query_of(const wherry_record *event) {
  return wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_QUERY));
}

static void on_connect(const wherry_record *event) {
  wherry_span query = query_of(event);
  if (wherry_equal(query, WHERRY_STR("wait"))) return;
  if (wherry_equal(query, WHERRY_STR("trap"))) __builtin_trap();
  if (wherry_equal(query, WHERRY_STR("observe"))) observer = event->conn;
  wherry_accept(event->conn, (wherry_span){0, 0});
}

static void on_resume(const wherry_record *event) {
  wherry_span query = wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_QUERY));
  if (wherry_equal(query, WHERRY_STR("observe"))) observer = event->conn;
}

static void wherry_on_event(const wherry_record *event) {
  if (event->kind == WHERRY_KIND_RESUME) on_resume(event);
  report(event);
  if (trap_conn && event->conn == trap_conn && event->kind == trap_kind) __builtin_trap();
  switch (event->kind) {
  case WHERRY_KIND_START:
    if (wherry_find_field(wherry_data(event), WHERRY_STR(":config.trap")).at) __builtin_trap();
    break;
  case WHERRY_KIND_CONNECT:
    return on_connect(event);
  case WHERRY_KIND_REQUEST:
    if (wherry_equal(query_of(event), WHERRY_STR("trap"))) __builtin_trap();
    break;
  case WHERRY_KIND_MESSAGE:
    if (event->flags & WHERRY_FLAG_TEXT) return wherry_hand_back(event);
    return run(event->conn, wherry_data(event));
  case WHERRY_KIND_FAULT:
    if (event->token == RALLY)
      *wherry_slot() = (wherry_record){event->flags, 0, 0, event->conn, 0, 0, RALLY};
    break;
  case WHERRY_KIND_CLOSE:
    if (event->conn == observer) observer = 0;
    break;
  }
}

// recorder plays the scripts that its configuration gives it, and tells whoever
// watches of every event that it sees. It stands in for the applications that
// the conformance scenarios describe in words.
//
// The configuration's keys are patterns of routes, and its values scripts. A
// line of a script is a rule: an event, perhaps a condition, and what to do.
//
//   connect lacks cookie: close 1008 no cookie
//   connect has cookie: accept x-a=1 set-cookie=a=b
//   text: send you said $data in $room
//
// Events are connect, message, text, binary, close, fault, timer and request; a condition
// asks for a parameter of the route or the query, or for a header field; "$name"
// is the value of one, "$scheme" and "$client" are the connection's, "$data" is
// the message, "$sent" how many the rules have sent.
// Every rule that applies is played, in order. What there is to do:
//
//   accept FIELD=VALUE...         reject STATUS FIELD=VALUE...    close CODE REASON
//   pick PROTOCOL...              accept with the first that was offered
//   send TEXT   blobs COUNT SIZE  messages; zeros are binary
//   echo        join TOPIC        publish TOPIC, of the message
//   after MS                      arm the connection's timer; 0 cancels it
//   respond STATUS FIELD=VALUE... to a request; one without a rule gets 426 or 405
//   trap                          after a flush, so that what was done before counts
//
// Events are told as JSON: those of a connection whose query says id=ID are
// published to the topic ID, the others are logged. A script "watch TOPIC"
// accepts and joins; its connection is not recorded.
#define WHERRY_WANTS (wherry_bit(WHERRY_KIND_TIMER) | wherry_bit(WHERRY_KIND_REQUEST))
#include "../sdk/c/wherry.h"
#include "words.h"

enum {
  CONNECTIONS = 256,
  FIELD_BYTES = 2048, // of a connect event, that are remembered
  SHOWN_BYTES = 256,  // the longest message whose bytes are told
  BLOB_BYTES = 65536, // the most that a blob can be
};

// ---- Connections. ----

typedef struct connection {
  uint64_t handle;
  uint32_t number; // counts from 1; token of the commands
  uint32_t sent;   // messages that rules sent
  int live;
  uint32_t fields_len;
  char fields[FIELD_BYTES]; // the front of the connect event, or the request
  wherry_span script;
} connection;

static connection connections[CONNECTIONS];
static uint32_t numbers;
static char config[65536]; // the start event
static uint32_t config_len;

static connection *with_handle(uint64_t handle) {
  for (uint32_t i = 0; i < CONNECTIONS; i++)
    if (connections[i].live && connections[i].handle == handle) return &connections[i];
  return 0;
}

// with_number finds one that may have ended: faults come late.
static connection *with_number(uint64_t number) {
  for (uint32_t i = 0; number && i < CONNECTIONS; i++)
    if (connections[i].number == number) return &connections[i];
  return 0;
}

// script_for returns the script of the route that a connect event names.
static wherry_span script_for(wherry_span fields) {
  static char key[512];
  text name = {key, 0, sizeof(key)};
  put(&name, WHERRY_STR(WHERRY_FIELD_CONFIG));
  put(&name, wherry_find_field(fields, WHERRY_STR(WHERRY_FIELD_ROUTE)));
  return wherry_find_field((wherry_span){config, config_len}, span_of(&name));
}

// keep_fields keeps the front of an event's fields.
static void keep_fields(connection *c, const wherry_record *event) {
  c->fields_len = event->len < FIELD_BYTES ? event->len : FIELD_BYTES;
  __builtin_memcpy(c->fields, wherry_data(event).at, c->fields_len);
}

// remember returns a connection for an event, or 0 if there are too many.
static connection *remember(const wherry_record *event, wherry_span script) {
  connection *c = &connections[numbers % CONNECTIONS];
  for (uint32_t i = 0; c->live && i < CONNECTIONS; i++) c = &connections[i];
  if (c->live) return 0;
  c->handle = event->conn;
  c->number = ++numbers;
  c->sent = 0;
  c->live = 1;
  c->script = script;
  keep_fields(c, event);
  return c;
}

static wherry_span fields_of(const connection *c) { return (wherry_span){c->fields, c->fields_len}; }

// value_in returns a parameter of the route or the query, or a header field.
static wherry_span value_in(wherry_span fields, wherry_span name) {
  static char key[128];
  text param = {key, 0, sizeof(key)};
  put(&param, WHERRY_STR(WHERRY_FIELD_PARAM));
  put(&param, name);
  wherry_span value = wherry_find_field(fields, span_of(&param));
  if (value.at) return value;
  wherry_span query = wherry_find_field(fields, WHERRY_STR(WHERRY_FIELD_QUERY));
  while (query.len) {
    wherry_span pair = cut(&query, '&');
    if (wherry_equal(cut(&pair, '='), name)) return pair;
  }
  return wherry_find_field(fields, name);
}

// ---- The record of events. ----

static char line_bytes[8192];
static text line = {line_bytes, 0, sizeof(line_bytes)};
static uint32_t topic_len; // bytes of line that name the topic

static void begin_line(const connection *c, wherry_span type) {
  line.len = 0;
  put(&line, value_in(fields_of(c), WHERRY_STR("id")));
  topic_len = line.len;
  put(&line, WHERRY_STR("{\"conn\":"));
  put_number(&line, c->number);
  put(&line, WHERRY_STR(",\"type\":\""));
  put(&line, type);
  put_char(&line, '"');
}

static void put_key(wherry_span key) {
  put(&line, WHERRY_STR(",\""));
  put(&line, key);
  put(&line, WHERRY_STR("\":"));
}

static void put_count(wherry_span key, uint32_t value) {
  put_key(key);
  put_number(&line, value);
}

static void put_string(wherry_span key, wherry_span value) {
  put_key(key);
  put_char(&line, '"');
  for (uint32_t i = 0; i < value.len; i++) {
    uint8_t c = (uint8_t)value.at[i];
    if (c < ' ') {
      put(&line, WHERRY_STR("\\u00"));
      put_hex(&line, c);
      continue;
    }
    if (c == '"' || c == '\\') put_char(&line, '\\');
    put_char(&line, (char)c);
  }
  put_char(&line, '"');
}

static void put_field(const connection *c, wherry_span key, wherry_span name) {
  wherry_span value = wherry_find_field(fields_of(c), name);
  if (value.at) put_string(key, value);
}

// end_line tells the line. A command that publishes has token 0: if it is
// refused, that is not recorded.
static void end_line(void) {
  put_char(&line, '}');
  if (!topic_len) return wherry_log(WHERRY_LOG_INFO, line.at, line.len);
  char *at = wherry_stage(line.len);
  __builtin_memcpy(at, line.at, line.len);
  wherry_command(WHERRY_KIND_PUBLISH, 0, WHERRY_FLAG_TEXT, topic_len, (wherry_span){at, line.len});
}

static void record_connect(const connection *c) {
  begin_line(c, WHERRY_STR("connect"));
  put_field(c, WHERRY_STR("scheme"), WHERRY_STR(WHERRY_FIELD_SCHEME));
  put_field(c, WHERRY_STR("peer"), WHERRY_STR(WHERRY_FIELD_PEER));
  put_field(c, WHERRY_STR("protocols"), WHERRY_STR(WHERRY_FIELD_PROTOCOLS));
  end_line();
}

// record_message tells a short message's bytes: text as it is, binary in hex.
static void record_message(const connection *c, const wherry_record *event) {
  int is_text = event->flags & WHERRY_FLAG_TEXT;
  begin_line(c, WHERRY_STR("receive"));
  put_string(WHERRY_STR("kind"), is_text ? WHERRY_STR("text") : WHERRY_STR("binary"));
  put_count(WHERRY_STR("len"), event->len);
  if (event->len <= SHOWN_BYTES) {
    if (is_text) {
      put_string(WHERRY_STR("data"), wherry_data(event));
    } else {
      put(&line, WHERRY_STR(",\"data\":\""));
      for (uint32_t i = 0; i < event->len; i++) put_hex(&line, ((const uint8_t *)event->data)[i]);
      put_char(&line, '"');
    }
  }
  end_line();
}

static void record_close(const connection *c, const wherry_record *event) {
  wherry_span by = event->flags & WHERRY_FLAG_BY_PEER    ? WHERRY_STR("peer")
                   : event->flags & WHERRY_FLAG_BY_GUEST ? WHERRY_STR("guest")
                                                         : WHERRY_STR("host");
  begin_line(c, WHERRY_STR("disconnect"));
  put_count(WHERRY_STR("code"), event->code);
  put_string(WHERRY_STR("reason"), wherry_data(event));
  put_string(WHERRY_STR("by"), by);
  put_count(WHERRY_STR("clean"), !!(event->flags & WHERRY_FLAG_CLEAN));
  put_count(WHERRY_STR("opened"), !!(event->flags & WHERRY_FLAG_OPENED));
  end_line();
}

static void record_fault(const connection *c, const wherry_record *event) {
  begin_line(c, WHERRY_STR("fault"));
  put_count(WHERRY_STR("command"), event->flags);
  put_count(WHERRY_STR("status"), event->code);
  put_count(WHERRY_STR("sent"), c->sent);
  end_line();
}

static void record_request(const connection *c) {
  begin_line(c, WHERRY_STR("http"));
  put_field(c, WHERRY_STR("method"), WHERRY_STR(WHERRY_FIELD_METHOD));
  put_field(c, WHERRY_STR("path"), WHERRY_STR(WHERRY_FIELD_PATH));
  end_line();
}

// ---- What rules do. ----

// command queues one with the connection's number as its token, and a copy of data.
static void command(connection *c, uint32_t kind, uint32_t flags, uint32_t code, wherry_span data) {
  char *at = wherry_stage(data.len);
  if (!at) __builtin_trap(); // a script for which the buffers are too small
  __builtin_memcpy(at, data.at, data.len);
  *wherry_slot() = (wherry_record){(uint16_t)kind, (uint16_t)flags, code, c->handle, (uint32_t)at, data.len, c->number};
}

// answer accepts or rejects with the fields that words give.
static void answer(connection *c, uint32_t kind, uint32_t code, wherry_span words) {
  static char block[4096];
  uint32_t used = 0;
  while (words.len) {
    wherry_span value = cut(&words, ' '), name = cut(&value, '=');
    if (name.len) used += wherry_put_field(block + used, sizeof(block) - used, name, value);
  }
  command(c, kind, 0, code, (wherry_span){block, used});
}

// pick accepts with the first protocol of the client's list that words name.
static void pick(connection *c, wherry_span words) {
  static char choice[128];
  text field = {choice, 0, sizeof(choice)};
  wherry_span offers = wherry_find_field(fields_of(c), WHERRY_STR(WHERRY_FIELD_PROTOCOLS));
  while (offers.len && !field.len) {
    wherry_span offer = trim(cut(&offers, ',')), rest = words;
    while (rest.len && !field.len) {
      if (!wherry_equal(cut(&rest, ' '), offer)) continue;
      put(&field, WHERRY_STR(WHERRY_FIELD_PROTOCOL "="));
      put(&field, offer);
    }
  }
  answer(c, WHERRY_KIND_ACCEPT, 0, span_of(&field));
}

static void send_blobs(connection *c, uint32_t count, uint32_t size) {
  static char zeros[BLOB_BYTES];
  if (size > BLOB_BYTES) __builtin_trap();
  while (count--)
    *wherry_slot() =
        (wherry_record){WHERRY_KIND_MESSAGE, 0, 0, c->handle, (uint32_t)zeros, size, c->number};
}

static void publish(connection *c, wherry_span topic, const wherry_record *event) {
  static char block[WHERRY_MAX_TOPIC + 4096];
  text t = {block, 0, sizeof(block)};
  put(&t, topic);
  put(&t, wherry_data(event));
  command(c, WHERRY_KIND_PUBLISH, event->flags & WHERRY_FLAG_TEXT, topic.len, span_of(&t));
}

// client_of returns the address in the connect event, without its port.
static wherry_span client_of(const connection *c) {
  wherry_span peer = wherry_find_field(fields_of(c), WHERRY_STR(WHERRY_FIELD_PEER));
  while (peer.len && peer.at[peer.len - 1] != ':') peer.len--;
  if (peer.len) peer.len--;
  return peer;
}

// expand returns a statement with the values of its names, until the next call.
static wherry_span expand(const connection *c, const wherry_record *event, wherry_span s) {
  static char block[4096];
  text t = {block, 0, sizeof(block)};
  while (s.len) {
    put(&t, cut(&s, '$'));
    if (s.at[-1] != '$' || !s.len) break;
    uint32_t n = 0;
    while (n < s.len && s.at[n] >= 'a' && s.at[n] <= 'z') n++;
    wherry_span name = {s.at, n};
    s = from(s, n);
    if (wherry_equal(name, WHERRY_STR("data"))) put(&t, wherry_data(event));
    else if (wherry_equal(name, WHERRY_STR("sent"))) put_number(&t, c->sent);
    else if (wherry_equal(name, WHERRY_STR("client"))) put(&t, client_of(c));
    else if (wherry_equal(name, WHERRY_STR("scheme"))) put(&t, wherry_find_field(fields_of(c), WHERRY_STR(WHERRY_FIELD_SCHEME)));
    else put(&t, value_in(fields_of(c), name));
  }
  return span_of(&t);
}

static void perform(connection *c, const wherry_record *event, wherry_span statement) {
  wherry_span rest = expand(c, event, statement), verb = cut(&rest, ' ');
#define IS(word) wherry_equal(verb, WHERRY_STR(word))
  if (IS("accept")) return answer(c, WHERRY_KIND_ACCEPT, 0, rest);
  if (IS("pick")) return pick(c, rest);
  if (IS("echo")) return wherry_hand_back(event);
  if (IS("publish")) return publish(c, rest, event);
  if (IS("join")) return command(c, WHERRY_KIND_SUBSCRIBE, 0, 0, rest);
  if (IS("send")) {
    c->sent++;
    return command(c, WHERRY_KIND_MESSAGE, WHERRY_FLAG_TEXT, 0, rest);
  }
  if (IS("trap")) {
    wherry_flush();
    __builtin_trap();
  }
  uint32_t number = number_of(cut(&rest, ' ')); // the others begin with one
  if (IS("reject")) return answer(c, WHERRY_KIND_REJECT, number, rest);
  if (IS("respond")) return answer(c, WHERRY_KIND_RESPOND, number, rest);
  if (IS("close")) return command(c, WHERRY_KIND_CLOSE, 0, number, rest);
  if (IS("blobs")) return send_blobs(c, number, number_of(rest));
  if (IS("after")) return wherry_timer(c->number, number);
#undef IS
  __builtin_trap(); // no such word
}

// applies reports whether a rule is for an event.
static int applies(const connection *c, const wherry_record *event, wherry_span head) {
  wherry_span name = cut(&head, ' '), condition = cut(&head, ' ');
  int is_text = event->flags & WHERRY_FLAG_TEXT, fits = 0;
#define IS(word) wherry_equal(name, WHERRY_STR(word))
  switch (event->kind) {
  case WHERRY_KIND_CONNECT: fits = IS("connect"); break;
  case WHERRY_KIND_MESSAGE: fits = IS("message") || (is_text ? IS("text") : IS("binary")); break;
  case WHERRY_KIND_CLOSE: fits = IS("close"); break;
  case WHERRY_KIND_FAULT: fits = IS("fault"); break;
  case WHERRY_KIND_TIMER: fits = IS("timer"); break;
  case WHERRY_KIND_REQUEST: fits = IS("request"); break;
  }
#undef IS
  if (!fits || !condition.len) return fits;
  return wherry_equal(condition, WHERRY_STR("has")) == !!value_in(fields_of(c), head).at;
}

// play plays the rules for an event, and returns how many there were.
static uint32_t play(connection *c, const wherry_record *event) {
  wherry_span script = c->script;
  uint32_t rules = 0;
  while (script.len) {
    wherry_span rule = trim(cut(&script, '\n')), head = cut(&rule, ':');
    if (!applies(c, event, head)) continue;
    rules++;
    while (rule.len) perform(c, event, trim(cut(&rule, ';')));
  }
  return rules;
}

// ---- Events. ----

// passing returns a connection that is not remembered, until the next call.
static connection *passing(const wherry_record *event, wherry_span script) {
  static connection c;
  c.handle = event->conn;
  c.script = script;
  keep_fields(&c, event);
  return &c;
}

// watch makes a connection one that hears of the others.
static void watch(const wherry_record *event, wherry_span topic) {
  connection *c = passing(event, (wherry_span){0, 0});
  wherry_accept(event->conn, (wherry_span){0, 0});
  command(c, WHERRY_KIND_SUBSCRIBE, 0, 0, expand(c, event, topic));
}

// on_request plays the rules of a route, and records the request if there are any.
// What it answers where there are none is what a host answers by itself.
static void on_request(const wherry_record *event) {
  connection *c = passing(event, script_for(wherry_data(event)));
  if (play(c, event)) return record_request(c);
  wherry_span method = wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_METHOD));
  if (wherry_equal(method, WHERRY_STR("GET")) || wherry_equal(method, WHERRY_STR("HEAD")))
    return answer(c, WHERRY_KIND_RESPOND, 426, WHERRY_STR(":body=WebSocket"));
  answer(c, WHERRY_KIND_RESPOND, 405, WHERRY_STR("allow=GET"));
}

static void on_connect(const wherry_record *event) {
  wherry_span script = script_for(wherry_data(event));
  if (starts_with(script, WHERRY_STR("watch "))) return watch(event, from(script, 6));
  connection *c = remember(event, script);
  if (!c) return wherry_reject(event->conn, 503, (wherry_span){0, 0});
  record_connect(c);
  (void)play(c, event);
}

static void on_start(const wherry_record *event) {
  config_len = event->len < sizeof(config) ? event->len : sizeof(config);
  __builtin_memcpy(config, (const char *)event->data, config_len);
}

static void wherry_on_event(const wherry_record *event) {
  connection *c = 0;
  switch (event->kind) {
  case WHERRY_KIND_START:
    return on_start(event);
  case WHERRY_KIND_CONNECT:
    return on_connect(event);
  case WHERRY_KIND_REQUEST:
    return on_request(event);
  case WHERRY_KIND_MESSAGE:
    if (!(c = with_handle(event->conn))) return;
    record_message(c, event);
    break;
  case WHERRY_KIND_CLOSE:
    if (!(c = with_handle(event->conn))) return;
    record_close(c, event);
    c->live = 0;
    break;
  case WHERRY_KIND_FAULT:
    if (!(c = with_number(event->token))) return;
    record_fault(c, event);
    break;
  case WHERRY_KIND_TIMER:
    if (!(c = with_number(event->token))) return;
    break;
  }
  if (c) (void)play(c, event);
}

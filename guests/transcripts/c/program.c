// The program of the transcripts, in C. What each route does is in the README.md
// above this folder.
#define WHERRY_CONNS 64
#define WHERRY_TIMERS 64
#define WHERRY_STATE_BYTES 264
#define WHERRY_ATTACHMENT_BYTES WHERRY_MAX_ATTACHMENT
#define WHERRY_STAGE_BYTES (256 * 1024)
#include "../../sdk/c/wherry_app.h"

#define NO_PROTOCOL wherry_nothing
#define NO_HEADERS wherry_no_headers

enum { TEAPOT = WHERRY_OWN_ERROR };

static wherry_error teapot(void) { return wherry_fail_as(TEAPOT, WHERRY_STR("short and stout")); }
static wherry_error accept(wherry_conn c) { return wherry_conn_accept(c, NO_PROTOCOL, NO_HEADERS); }

static wherry_error send_back(wherry_conn c, const wherry_message *m) { return wherry_conn_send_back(c, m); }

// ---- /text ----

static wherry_error close_twice(wherry_conn c) {
  wherry_conn_close(c, 4000, WHERRY_STR("one"));
  wherry_error e = wherry_conn_close(c, 4001, WHERRY_STR("two"));
  wherry_logf(WHERRY_LOG_INFO, "%.*s", WHERRY_SPAN(wherry_error_text(&e)));
  return WHERRY_OK;
}

static wherry_error send_late(wherry_conn c) {
  wherry_conn_close(c, WHERRY_CLOSE_NORMAL, wherry_nothing);
  return wherry_conn_send_text(c, WHERRY_STR("x"));
}

static wherry_error close_long(wherry_conn c) {
  char reason[2 * 62];
  for (uint32_t i = 0; i < sizeof(reason); i += 2) __builtin_memcpy(reason + i, "\xc3\xa9", 2);
  return wherry_conn_close(c, WHERRY_CLOSE_NORMAL, (wherry_span){reason, sizeof(reason)});
}

static wherry_error on_text(wherry_conn c, const wherry_message *m) {
  if (wherry_same(m->data, "close")) return wherry_conn_close(c, 4000, WHERRY_STR("bye"));
  if (wherry_same(m->data, "twice")) return close_twice(c);
  if (wherry_same(m->data, "fail")) return wherry_fail(WHERRY_STR("boom"));
  if (wherry_same(m->data, "policy")) return wherry_fail_policy(WHERRY_CLOSE_POLICY_VIOLATION, WHERRY_STR("no"));
  if (wherry_same(m->data, "http")) return wherry_fail_http(WHERRY_HTTP_FORBIDDEN, WHERRY_STR("nope"), NO_HEADERS);
  if (wherry_same(m->data, "late")) return send_late(c);
  if (wherry_same(m->data, "long")) return close_long(c);
  if (wherry_same(m->data, "code")) return wherry_conn_close(c, WHERRY_CLOSE_NO_STATUS, wherry_nothing);
  if (wherry_same(m->data, "teapot")) return teapot();
  return wherry_conn_send_back(c, m);
}

static wherry_error tell_end(wherry_conn c, const wherry_end *end) {
  static const struct {
    uint32_t flag;
    const char *word;
  } words[] = {
      {WHERRY_FLAG_CLEAN, " clean"},  {WHERRY_FLAG_BY_PEER, " peer"},  {WHERRY_FLAG_BY_GUEST, " guest"},
      {WHERRY_FLAG_BY_HOST, " host"}, {WHERRY_FLAG_OPENED, " opened"},
  };
  char line[256];
  wherry_text text = wherry_text_in(line, sizeof(line));
  (void)c;
  wherry_print(&text, "%u %.*s", (unsigned)end->code, WHERRY_SPAN(end->reason));
  for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (end->flags & words[i].flag) wherry_print(&text, "%s", words[i].word);
  return wherry_room_text(WHERRY_STR("ends"), wherry_text_span(&text));
}

// ---- /json ----

static wherry_error on_json(wherry_conn c, const wherry_message *m) {
  static char buffer[256 * 1024];
  wherry_json_writer w = wherry_json_to(buffer, sizeof(buffer));
  wherry_json_open_object(&w);
  wherry_json_put_key(&w, WHERRY_STR("got"));
  if (wherry_json_get(m->json, WHERRY_STR("bad")).raw.at)
    wherry_json_put_double(&w, __builtin_nan(""));
  else
    wherry_json_put(&w, m->json);
  wherry_json_close(&w);
  return wherry_conn_send_json(c, &w);
}

// ---- Handshakes. ----

static wherry_error deny(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_deny(c, WHERRY_HTTP_UNAUTHORIZED,
                          WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/plain")},
                                         {WHERRY_STR("www-authenticate"), WHERRY_STR("Basic")}),
                          WHERRY_STR("no\n"));
}

static wherry_error refuse(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_close(c, 4003, WHERRY_STR("not you"));
}

static wherry_error pick_protocol(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_accept(c, WHERRY_STR("chat.v2"),
                            WHERRY_HEADERS({WHERRY_STR("x-a"), WHERRY_STR("1")}, {WHERRY_STR("x-a"), WHERRY_STR("2")}));
}

static wherry_error send_early(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_send_text(c, WHERRY_STR("early"));
}

// ---- /params and /own ----

static wherry_span or_dash(wherry_span s) { return s.at ? s : WHERRY_STR("-"); }

static wherry_error show_params(wherry_conn c, const wherry_head *h) {
  double thousandths = wherry_param_float(h, "f") * 1000;
  wherry_span b = !wherry_param_given(h, "b") ? WHERRY_STR("-")
                  : wherry_param_bool(h, "b") ? WHERRY_STR("true")
                                              : WHERRY_STR("false");
  wherry_error e = accept(c);
  if (e.type) return e;
  return wherry_conn_send_text(
      c,
      wherry_format("id=%lld n=%lld f=%lld b=%.*s u=%.*s color=%.*s token=%.*s sid=%.*s", wherry_param_int(h, "id"),
                    wherry_param_int(h, "n"), (long long)(thousandths + (thousandths < 0 ? -0.5 : 0.5)), WHERRY_SPAN(b),
                    WHERRY_SPAN(or_dash(wherry_param_text(h, "u"))), WHERRY_SPAN(wherry_param_text(h, "color")),
                    WHERRY_SPAN(or_dash(wherry_param_text(h, "x-token"))), WHERRY_SPAN(wherry_param_text(h, "sid"))));
}

static wherry_error close_invalid(wherry_conn c, const wherry_head *head, const wherry_invalid *invalid) {
  char reason[256];
  wherry_text text = wherry_text_in(reason, sizeof(reason));
  (void)head;
  for (uint32_t i = 0; i < invalid->count; i++) {
    const wherry_param_error *e = &invalid->errors[i];
    wherry_print(&text, "%s%.*s %s %s", i ? ", " : "", WHERRY_SPAN(wherry_source_name(e->param)), e->param->name,
                 e->type);
  }
  accept(c);
  return wherry_conn_close(c, WHERRY_CLOSE_POLICY_VIOLATION, wherry_text_span(&text));
}

// ---- /request ----

static void send_span(wherry_conn c, wherry_span s) { wherry_conn_send_text(c, s); }

static void send_protocols(wherry_conn c, const wherry_head *h) {
  wherry_text t = wherry_scratch_text();
  wherry_span rest = wherry_head_protocols(h), name;
  for (int i = 0; wherry_next_protocol(&rest, &name); i++) wherry_print(&t, "%s%.*s", i ? "," : "", WHERRY_SPAN(name));
  send_span(c, wherry_scratch_keep(&t));
}

static void send_tags(wherry_conn c, const wherry_head *h) {
  char tags[256];
  wherry_text t = wherry_text_in(tags, sizeof(tags));
  wherry_span rest = wherry_head_query(h), value;
  for (int i = 0; wherry_next_query_of(&rest, WHERRY_STR("tag"), &value); i++)
    wherry_print(&t, "%s%.*s", i ? "," : "", WHERRY_SPAN(value));
  send_span(c, wherry_text_span(&t));
}

static void send_headers(wherry_conn c, const wherry_head *h) {
  wherry_text t = wherry_scratch_text();
  wherry_span rest = h->fields, value;
  for (int i = 0; wherry_next_header_of(&rest, WHERRY_STR("x-one"), &value); i++)
    wherry_print(&t, "%s%.*s", i ? "," : "", WHERRY_SPAN(value));
  send_span(c, wherry_scratch_keep(&t));
}

static wherry_error show_request(wherry_conn c, const wherry_head *h) {
  wherry_error e = accept(c);
  if (e.type) return e;
  send_span(c, wherry_head_method(h));
  send_span(c, wherry_head_path(h));
  send_span(c, wherry_head_query(h));
  send_span(c, wherry_head_authority(h));
  send_span(c, wherry_head_scheme(h));
  send_span(c, wherry_head_peer(h));
  send_span(c, wherry_head_route(h));
  send_protocols(c, h);
  send_span(c, wherry_head_query_param(h, WHERRY_STR("q")));
  send_tags(c, h);
  send_span(c, wherry_head_header(h, WHERRY_STR("x-one")));
  send_headers(c, h);
  send_span(c, wherry_head_cookie(h, WHERRY_STR("a")));
  return WHERRY_OK;
}

// ---- /room ----

struct member {
  uint32_t room_len;
  char room[WHERRY_MAX_TOPIC];
};

static wherry_error enter_room(wherry_conn c, const wherry_head *h) {
  struct member *m = WHERRY_STATE(c, struct member);
  wherry_span room = wherry_head_param(h, WHERRY_STR("room"));
  m->room_len = room.len < sizeof(m->room) ? room.len : sizeof(m->room);
  if (room.len) __builtin_memcpy(m->room, room.at, m->room_len);
  wherry_error e = accept(c);
  return e.type ? e : wherry_room_join(c, room);
}

// after returns what follows a word and a blank, if s starts with them.
static int after(wherry_span s, const char *word, wherry_span *rest) {
  *rest = s;
  return wherry_same(wherry_cut_at(rest, ' '), word);
}

static wherry_error on_room(wherry_conn c, const wherry_message *m) {
  const struct member *self = WHERRY_STATE(c, struct member);
  wherry_span room = {self->room, self->room_len}, rest;
  if (wherry_same(m->data, "leave")) return wherry_room_leave(c, room);
  if (after(m->data, "all", &rest)) return wherry_room_text(room, rest);
  if (after(m->data, "others", &rest)) return wherry_room_text_except(c, room, rest);
  if (after(m->data, "bytes", &rest)) return wherry_room_bytes(room, rest);
  return WHERRY_OK;
}

// ---- /timer and /wait ----

static wherry_error on_fired(wherry_conn c, const wherry_timer_info *timer) {
  (void)timer;
  return wherry_conn_send_text(c, WHERRY_STR("fired"));
}

static uint64_t armed_last;

static wherry_error on_timer_text(wherry_conn c, const wherry_message *m) {
  uint64_t ms;
  if (wherry_same(m->data, "cancel"))
    wherry_cancel(armed_last);
  else if (wherry_parse_uint(m->data, UINT32_MAX, &ms))
    armed_last = wherry_after((uint32_t)ms, c, on_fired, 0);
  return WHERRY_OK;
}

static wherry_error on_waited(wherry_conn c, const wherry_timer_info *timer) {
  (void)timer;
  return accept(c);
}

static wherry_error wait_first(wherry_conn c, const wherry_head *head) {
  (void)head;
  wherry_after(5, c, on_waited, 0);
  return WHERRY_OK;
}

// ---- /attach and /count ----

static wherry_error on_attach_text(wherry_conn c, const wherry_message *m) {
  if (wherry_same(m->data, "?")) return wherry_conn_send_text(c, wherry_conn_attachment(c));
  return wherry_conn_attach(c, m->data);
}

static wherry_error on_resumed(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return WHERRY_OK;
}

static wherry_error count(wherry_conn c, const wherry_message *m) {
  (void)m;
  return wherry_conn_send_text(c, wherry_format("%u", (unsigned)++*WHERRY_STATE(c, uint32_t)));
}

// ---- Failures. ----

static wherry_error fail_boom(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return wherry_fail(WHERRY_STR("boom"));
}

static wherry_error fail_http(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return wherry_fail_http(WHERRY_HTTP_FORBIDDEN, WHERRY_STR("members only"),
                          WHERRY_HEADERS({WHERRY_STR("x-why"), WHERRY_STR("test")}));
}

static wherry_error fail_gone(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return wherry_fail_http(WHERRY_HTTP_GONE, wherry_nothing, NO_HEADERS);
}

static wherry_error fail_policy(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return wherry_fail_policy(WHERRY_CLOSE_POLICY_VIOLATION, WHERRY_STR("no"));
}

static wherry_error fail_teapot(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return teapot();
}

static wherry_error fail_missing(wherry_conn c, const wherry_head *head) {
  (void)c, (void)head;
  return wherry_fail_http(WHERRY_HTTP_NOT_FOUND, WHERRY_STR("nothing here"), NO_HEADERS);
}

static wherry_error serve_teapot(const wherry_failure *f) {
  if (wherry_conn_life(f->conn) == WHERRY_CONNECTING)
    return wherry_conn_deny(f->conn, WHERRY_HTTP_IM_A_TEAPOT, NO_HEADERS, f->error->text);
  return wherry_conn_close(f->conn, 4418, f->error->text);
}

static wherry_error serve_missing(const wherry_failure *f) {
  if (wherry_conn_life(f->conn) != WHERRY_CONNECTING) return wherry_pass();
  return wherry_conn_deny(f->conn, WHERRY_HTTP_NOT_FOUND,
                          WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/plain")}), f->error->text);
}

static wherry_error trap(wherry_conn c, const wherry_message *m) {
  (void)c, (void)m;
  wherry_abort("a bug in the guest");
}

// ---- /page, /greet, and the guest. ----

static wherry_error serve_page(wherry_request r, const wherry_head *h) {
  wherry_span method = wherry_head_method(h);
  if (wherry_same(method, "GET"))
    return wherry_request_respond(r, WHERRY_HTTP_OK,
                                  WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/html; charset=utf-8")}),
                                  WHERRY_STR("<p>hi</p>"));
  if (wherry_same(method, "POST"))
    return wherry_request_respond(r, WHERRY_HTTP_CREATED,
                                  WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("application/octet-stream")}),
                                  wherry_head_body(h));
  return wherry_fail_http(WHERRY_HTTP_METHOD_NOT_ALLOWED, wherry_nothing,
                          WHERRY_HEADERS({WHERRY_STR("allow"), WHERRY_STR("GET, POST")}));
}

static wherry_error greet(wherry_conn c, const wherry_head *head) {
  (void)head;
  wherry_error e = accept(c);
  return e.type ? e : wherry_conn_send_text(c, wherry_config(WHERRY_STR("greeting")));
}

static wherry_error on_stop(uint32_t reason) {
  static const char *const reasons[] = {"", "deploy", "shutdown", "idle"};
  return wherry_room_text(WHERRY_STR("ends"),
                          wherry_format("stopping %s", reason <= WHERRY_STOP_IDLE ? reasons[reason] : ""));
}

WHERRY_GUEST(
    WHERRY_ENDPOINTS(
        {.route = "/any", .on_receive = send_back},
        {.route = "/text", .encoding = WHERRY_TEXT, .on_receive = on_text, .on_disconnect = tell_end},
        {.route = "/bytes", .encoding = WHERRY_BYTES, .on_receive = send_back},
        {.route = "/json", .encoding = WHERRY_JSON, .on_receive = on_json},
        {.route = "/deny", .on_connect = deny},
        {.route = "/refuse", .on_connect = refuse, .on_disconnect = tell_end},
        {.route = "/protocol", .on_connect = pick_protocol},
        {.route = "/early", .on_connect = send_early},
        {.route = "/params/{id:int}", .on_connect = show_params,
         WHERRY_PARAMS(
             {.from = WHERRY_PATH, .name = "id", .type = WHERRY_INT, .required = 1},
             {.from = WHERRY_QUERY, .name = "n", .type = WHERRY_INT, .required = 1},
             {.from = WHERRY_QUERY, .name = "f", .type = WHERRY_FLOAT, .fallback = "1.5"},
             {.from = WHERRY_QUERY, .name = "b", .type = WHERRY_BOOL},
             {.from = WHERRY_QUERY, .name = "u", .type = WHERRY_UUID},
             {.from = WHERRY_QUERY, .name = "color", .type = WHERRY_ENUM, .fallback = "red", .choices = WHERRY_ONE_OF("red", "green")},
             {.from = WHERRY_HEADER, .name = "x-token", .type = WHERRY_STRING},
             {.from = WHERRY_COOKIE, .name = "sid", .type = WHERRY_STRING, .required = 1})},
        {.route = "/own", .on_invalid = close_invalid, WHERRY_PARAMS({.from = WHERRY_QUERY, .name = "n", .type = WHERRY_INT, .required = 1})},
        {.route = "/request", .on_connect = show_request},
        {.route = "/room/{room}", .encoding = WHERRY_TEXT, .on_connect = enter_room, .on_receive = on_room},
        {.route = "/timer", .encoding = WHERRY_TEXT, .on_receive = on_timer_text},
        {.route = "/attach", .encoding = WHERRY_TEXT, .on_receive = on_attach_text, .on_resume = on_resumed},
        {.route = "/count", .on_receive = count},
        {.route = "/fail", .on_connect = fail_boom},
        {.route = "/http", .on_connect = fail_http},
        {.route = "/gone", .on_connect = fail_gone},
        {.route = "/policy", .on_connect = fail_policy},
        {.route = "/teapot", .on_connect = fail_teapot},
        {.route = "/missing", .on_connect = fail_missing},
        {.route = "/wait", .on_connect = wait_first},
        {.route = "/page", .on_request = serve_page},
        {.route = "/greet", .on_connect = greet},
        {.route = "/trap", .on_receive = trap}),
    WHERRY_HANDLERS(
        {.type = TEAPOT, .handle = serve_teapot},
        {.http_status = WHERRY_HTTP_NOT_FOUND, .handle = serve_missing}),
    .on_stop = on_stop)

// limits has every table of the SDK so small that a test can fill it.
#define WHERRY_CONNS 4
#define WHERRY_STATE_BYTES 4
#define WHERRY_ATTACHMENT_BYTES 8
#define WHERRY_PROTOCOLS_BYTES 4
#define WHERRY_REQUESTS 2
#define WHERRY_TIMERS 2
#define WHERRY_SCRATCH_BYTES 2048
#define WHERRY_CONFIG_BYTES 64
#define WHERRY_ROUTES_BYTES 8
#define WHERRY_OUTBOX_RECORDS 16
#define WHERRY_STAGE_BYTES 1024
#include "../wherry_app.h"

// on_large sends one large message twice, changed in between.
static wherry_error on_large(wherry_conn c, const wherry_message *m) {
  static char large[2000];
  (void)m;
  __builtin_memset(large, 'a', sizeof(large));
  wherry_conn_send_text(c, (wherry_span){large, sizeof(large)});
  __builtin_memset(large, 'b', sizeof(large));
  return wherry_conn_send_text(c, (wherry_span){large, sizeof(large)});
}

// on_many sends more commands than the outbox holds, and more bytes than the stage,
// from the same place.
static wherry_error on_many(wherry_conn c, const wherry_message *m) {
  (void)m;
  for (char i = 0; i < 40; i++) {
    char line[100];
    __builtin_memset(line, '0' + i, sizeof(line));
    wherry_conn_send_text(c, (wherry_span){line, sizeof(line)});
  }
  return WHERRY_OK;
}

static wherry_error on_broadcast(wherry_conn c, const wherry_message *m) {
  (void)c;
  return wherry_room_bytes(WHERRY_STR("room"), m->data);
}

static wherry_error on_attach(wherry_conn c, const wherry_message *m) { return wherry_conn_attach(c, m->data); }

static wherry_error on_format(wherry_conn c, const wherry_message *m) {
  wherry_span once = wherry_format("%.*s", WHERRY_SPAN(m->data)), again = wherry_format("%.*s", WHERRY_SPAN(m->data));
  wherry_conn_send_text(c, once);
  return wherry_conn_send_text(c, again);
}

static wherry_error resumed(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_send_bytes(c, wherry_conn_attachment(c));
}

// ---- Answers that come later. ----

static wherry_error late(wherry_conn c, const wherry_timer_info *timer) {
  (void)timer;
  return wherry_conn_accept(c, WHERRY_STR("b"), wherry_no_headers);
}

static wherry_error wait(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_after(1, c, late, 0)
             ? WHERRY_OK
             : wherry_fail_http(WHERRY_HTTP_SERVICE_UNAVAILABLE, WHERRY_STR("no timer"), wherry_no_headers);
}

static wherry_request held;

static wherry_error hold(wherry_request r, const wherry_head *head) {
  (void)head;
  held = r;
  return WHERRY_OK;
}

static wherry_error on_answer(wherry_conn c, const wherry_message *m) {
  (void)c;
  return wherry_request_respond(held, WHERRY_HTTP_OK, wherry_no_headers, m->data);
}

// ---- Errors at their edges. ----

// on_odd fails in a way that its own answer cannot be given.
static wherry_error on_odd(wherry_conn c, const wherry_head *head) {
  wherry_span kind = wherry_head_query(head);
  if (wherry_same(kind, "status")) return wherry_fail_http(600, wherry_nothing, wherry_no_headers);
  if (wherry_same(kind, "body"))
    return wherry_fail_http(WHERRY_HTTP_BAD_REQUEST, wherry_head_path(head), wherry_no_headers);
  if (wherry_same(kind, "code")) return wherry_fail_policy(65536, wherry_nothing);
  if (wherry_same(kind, "both")) {
    wherry_conn_deny(c, 400, wherry_no_headers, wherry_nothing);
    return wherry_fail_policy(1008, WHERRY_STR("too late"));
  }
  return wherry_fail(WHERRY_STR("odd"));
}

static wherry_error fail_always(wherry_conn c, const wherry_message *m) {
  (void)c, (void)m;
  return wherry_fail(WHERRY_STR("boom"));
}

WHERRY_GUEST(WHERRY_ENDPOINTS(
    {.route = "large", .on_receive = on_large}, {.route = "many", .on_receive = on_many},
    {.route = "broadcast", .on_receive = on_broadcast}, {.route = "attach", .on_receive = on_attach, .on_resume = resumed},
    {.route = "format", .on_receive = on_format}, {.route = "wait", .on_connect = wait},
    {.route = "hold", .on_request = hold, .on_receive = on_answer}, {.route = "odd", .on_connect = on_odd},
    {.on_receive = fail_always}))

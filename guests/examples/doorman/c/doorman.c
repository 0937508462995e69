// doorman asks everybody in and lets nobody in: at /ws every handshake is closed while
// it waits. The client sees 403, and on_disconnect the close, once. At / is a page.
#include "wherry_app.h"

static wherry_error turn_away(wherry_conn c, const wherry_head *head) {
  (void)head;
  return wherry_conn_close(c, WHERRY_CLOSE_NORMAL, wherry_nothing);
}

static wherry_error log_end(wherry_conn c, const wherry_end *end) {
  (void)c;
  wherry_logf(WHERRY_LOG_INFO, "on_disconnect %u", (unsigned)end->code);
  return WHERRY_OK;
}

static wherry_error show_page(wherry_request r, const wherry_head *head) {
  if (!wherry_same(wherry_head_method(head), "GET"))
    return wherry_fail_http(WHERRY_HTTP_METHOD_NOT_ALLOWED, wherry_nothing,
                            WHERRY_HEADERS({WHERRY_STR("allow"), WHERRY_STR("GET")}));
  return wherry_request_respond(r, WHERRY_HTTP_OK,
                                WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/html; charset=utf-8")}),
                                WHERRY_STR("<h1>Nobody gets in here</h1>"));
}

WHERRY_GUEST(WHERRY_ENDPOINTS(
    {.route = "/ws", .on_connect = turn_away, .on_disconnect = log_end},
    {.route = "/", .on_request = show_page}))

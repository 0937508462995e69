// plain is a page at a place where no WebSocket is served. Whoever tries one there is
// told so, and so is the log.
#include "wherry_app.h"

static const char why[] = "no WebSocket is served here";

static wherry_error refuse(wherry_conn c, const wherry_head *head) {
  wherry_logf(WHERRY_LOG_WARN, "WebSocket refused at %.*s: %s", WHERRY_SPAN(wherry_head_path(head)), why);
  return wherry_conn_deny(c, WHERRY_HTTP_NOT_FOUND,
                          WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/plain; charset=utf-8")}),
                          WHERRY_STR(why));
}

static wherry_error show_page(wherry_request r, const wherry_head *head) {
  if (!wherry_same(wherry_head_method(head), "GET"))
    return wherry_fail_http(WHERRY_HTTP_METHOD_NOT_ALLOWED, wherry_nothing,
                            WHERRY_HEADERS({WHERRY_STR("allow"), WHERRY_STR("GET")}));
  return wherry_request_respond(r, WHERRY_HTTP_OK,
                                WHERRY_HEADERS({WHERRY_STR("content-type"), WHERRY_STR("text/html; charset=utf-8")}),
                                WHERRY_STR("<h1>Just a page</h1>"));
}

WHERRY_GUEST(WHERRY_ENDPOINTS({.route = "/", .on_connect = refuse, .on_request = show_page}))

// wherry_guest.h: what a guest is made of. It defines one thing, WHERRY_GUEST, with
// its endpoints in it.
#ifndef WHERRY_GUEST_H
#define WHERRY_GUEST_H

#include "wherry_errors.h"
#include "wherry_head.h"
#include "wherry_json.h"

// A wherry_conn names a connection. It is a value: copy it, keep it. It is good
// until the connection has ended, and after that nothing can be done with it; no
// other connection ever has the same id. WHERRY_NOBODY is none.
typedef struct wherry_conn {
  uint64_t id;
} wherry_conn;
#define WHERRY_NOBODY ((wherry_conn){0})

// A wherry_request names an HTTP request that waits for its response, in the same way.
typedef struct wherry_request {
  uint64_t id;
} wherry_request;

// A wherry_message is a message that arrived, until the handler returns.
typedef struct wherry_message {
  wherry_span data;
  int is_text;
  wherry_json json; // with encoding WHERRY_JSON
} wherry_message;

// A wherry_end is how a connection ended.
typedef struct wherry_end {
  uint32_t code;
  wherry_span reason;
  uint32_t flags; // WHERRY_FLAG_CLEAN, _BY_PEER, _BY_GUEST, _BY_HOST, _OPENED
} wherry_end;

// A wherry_fault is a command that the host refused.
typedef struct wherry_fault {
  uint32_t kind;   // WHERRY_KIND_MESSAGE...
  uint32_t status; // WHERRY_STATUS_...
  wherry_conn conn;
  wherry_request request; // for WHERRY_KIND_RESPOND
} wherry_fault;

// ---- Declared parameters. ----

typedef enum wherry_source { WHERRY_PATH, WHERRY_QUERY, WHERRY_HEADER, WHERRY_COOKIE } wherry_source;
typedef enum wherry_type { WHERRY_STRING, WHERRY_INT, WHERRY_FLOAT, WHERRY_BOOL, WHERRY_UUID, WHERRY_ENUM } wherry_type;

typedef struct wherry_param {
  wherry_source from;
  const char *name;
  wherry_type type;
  int required;
  const char *fallback;       // its value where it is missing, of its type; 0 for none
  const char *const *choices; // of an enum: WHERRY_ONE_OF
} wherry_param;

// WHERRY_PARAMS is a part of an endpoint, and lists its parameters: {.from = WHERRY_QUERY,
// .name = "n", .type = WHERRY_INT, .required = 1}.
#define WHERRY_PARAMS(...) \
  .params = (const wherry_param[]){__VA_ARGS__}, \
  .param_count = WHERRY_COUNT_(wherry_param, __VA_ARGS__) + \
                 WHERRY_ASSERT_(WHERRY_COUNT_(wherry_param, __VA_ARGS__) <= WHERRY_MAX_PARAMS, \
                                "more parameters than WHERRY_MAX_PARAMS")
// WHERRY_ASSERT_ is 0, in a constant expression, or does not compile.
#define WHERRY_ASSERT_(condition, message) \
  (0 * sizeof(struct { \
     _Static_assert(condition, message); \
     char c; \
   }))
#define WHERRY_COUNT_(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))

// WHERRY_ONE_OF is what an enum accepts: .choices = WHERRY_ONE_OF("red", "green").
#define WHERRY_ONE_OF(...) ((const char *const[]){__VA_ARGS__, 0})

// A wherry_param_error is what is wrong with a declared parameter.
typedef struct wherry_param_error {
  const wherry_param *param;
  const char *type;  // "missing", "int_parsing"...
  wherry_span input; // as it was sent; at 0 where it is missing
} wherry_param_error;

typedef struct wherry_invalid {
  const wherry_param_error *errors; // in the order of the declaration
  uint32_t count;
} wherry_invalid;

// ---- Endpoints. ----

typedef enum wherry_encoding { WHERRY_ANY, WHERRY_TEXT, WHERRY_BYTES, WHERRY_JSON } wherry_encoding;

struct wherry_failure;

// A wherry_endpoint is what is at a route. Every part may be left out.
typedef struct wherry_endpoint {
  const char *route; // exactly as the server spells it; 0 for what no other endpoint gets
  wherry_encoding encoding;
  const wherry_param *params;
  uint32_t param_count;

  // A handshake waits: accept, deny or close it, or leave it waiting for later.
  // Without this it is accepted.
  wherry_error (*on_connect)(wherry_conn c, const wherry_head *head);
  wherry_error (*on_receive)(wherry_conn c, const wherry_message *message);
  // It is over. Nothing can be sent to it any more, its state is there once more.
  wherry_error (*on_disconnect)(wherry_conn c, const wherry_end *end);
  // Declared parameters are wrong. Without this the answer is 403 and says what is wrong.
  wherry_error (*on_invalid)(wherry_conn c, const wherry_head *head, const wherry_invalid *invalid);
  // A handler failed, and no handler of the guest has dealt with that. It returns as those do.
  wherry_error (*on_error)(const struct wherry_failure *failure);
  // An HTTP request came: answer it, now or later. Without this the answer is 426.
  wherry_error (*on_request)(wherry_request r, const wherry_head *head);
  // An instance before this one had accepted it. Without this it is closed with 1012.
  wherry_error (*on_resume)(wherry_conn c, const wherry_head *head);
  // Its backlog has drained.
  wherry_error (*on_writable)(wherry_conn c);
} wherry_endpoint;

#define WHERRY_ENDPOINTS(...) \
  .endpoints = (const wherry_endpoint[]){__VA_ARGS__}, .endpoint_count = WHERRY_COUNT_(wherry_endpoint, __VA_ARGS__)

#ifndef WHERRY_ROUTES_BYTES
#define WHERRY_ROUTES_BYTES 1024 // names of the routes that the endpoint without a route gets
#endif

static char wherry_routes[WHERRY_ROUTES_BYTES]; // each ends with a zero
static uint32_t wherry_routes_len;

// wherry_route_name returns what an endpoint at a route is called in the log. There
// are as many as the server's configuration has, and where they are too long, "*".
WHERRY_COLD const char *wherry_route_name(const wherry_endpoint *endpoint, wherry_span route) {
  if (endpoint->route) return endpoint->route;
  for (uint32_t i = 0; i < wherry_routes_len; i += wherry_cstr(wherry_routes + i).len + 1)
    if (wherry_same(route, wherry_routes + i)) return wherry_routes + i;
  if (route.len >= WHERRY_ROUTES_BYTES - wherry_routes_len) return "*";
  char *name = wherry_routes + wherry_routes_len;
  if (route.len) __builtin_memcpy(name, route.at, route.len);
  wherry_routes_len += route.len + 1; // what is behind was always zero
  return name;
}

// ---- Errors of handlers. ----

// A wherry_failure is a handler that failed.
typedef struct wherry_failure {
  wherry_conn conn;        // of a connection,
  wherry_request request;  // or of a request
  const wherry_head *head; // empty if what failed was not asked with one
  const wherry_error *error;
  const wherry_endpoint *endpoint;
  const char *route; // at which it was met
  const char *where; // "on_receive"...
} wherry_failure;

// A wherry_handler is asked about errors of a type, or HTTP errors of a status,
// from whatever endpoint. It returns WHERRY_OK if it has dealt with one, and
// wherry_pass() if not; any other error is one of its own, and answered with 500 or 1011.
typedef struct wherry_handler {
  uint32_t type;        // WHERRY_POLICY_ERROR, an own one..., or 0
  uint32_t http_status; // or this
  wherry_error (*handle)(const wherry_failure *failure);
} wherry_handler;

#define WHERRY_HANDLERS(...) \
  .handlers = (const wherry_handler[]){__VA_ARGS__}, .handler_count = WHERRY_COUNT_(wherry_handler, __VA_ARGS__)

// ---- The guest. ----

typedef struct wherry_guest {
  const wherry_endpoint *endpoints;
  uint32_t endpoint_count;
  const wherry_handler *handlers;
  uint32_t handler_count;
  wherry_error (*on_start)(void);                      // wherry_tenant, wherry_instance, wherry_config
  wherry_error (*on_stop)(uint32_t reason);            // WHERRY_STOP_DEPLOY...
  wherry_error (*on_fault)(const wherry_fault *fault); // without this it is logged
} wherry_guest;

// The tentative definition of what WHERRY_GUEST defines, at the end of the guest's file.
static const wherry_guest wherry_this_guest;

// WHERRY_GUEST(WHERRY_ENDPOINTS({...}, {...}), .on_stop = ...) is the guest.
#define WHERRY_GUEST(...) static const wherry_guest wherry_this_guest = {__VA_ARGS__};

#endif

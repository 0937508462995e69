// wherry_requests.h: HTTP requests, each answered once, in on_request or later. The
// host does not say when the client has gone or the time was up. So that requests
// which are never answered do not fill the table, a new one takes the place of
// the oldest, which is answered with 503.
#ifndef WHERRY_REQUESTS_H
#define WHERRY_REQUESTS_H

#include "wherry_conn.h"

#ifndef WHERRY_REQUESTS
#define WHERRY_REQUESTS 64 // requests that wait for an answer
#endif

_Static_assert(WHERRY_REQUESTS > 0, "limits of requests");

static uint64_t wherry_waiting[WHERRY_REQUESTS]; // handles, 0 where there is none
static uint32_t wherry_waiting_next;             // the oldest, once the table was full

static inline uint64_t *wherry_waiting_slot(wherry_request r) {
  for (uint32_t i = 0; r.id && i < WHERRY_REQUESTS; i++)
    if (wherry_waiting[i] == r.id) return &wherry_waiting[i];
  return 0;
}

static inline wherry_error wherry_answer_request(wherry_request r, uint32_t http_status, const wherry_header *first,
                                                 wherry_headers headers, wherry_span body) {
  uint64_t *slot = wherry_waiting_slot(r);
  if (!slot) return wherry_state_error("respond", WHERRY_CLOSED);
  wherry_error e = wherry_check_status("respond", http_status);
  if (e.type) return e;
  wherry_answer answer = {wherry_nothing, first, headers, body};
  if (!wherry_queue_answer(WHERRY_KIND_RESPOND, r.id, http_status, &answer)) return wherry_no_stage("respond");
  *slot = 0;
  return WHERRY_OK;
}

// wherry_request_respond answers a request. A second answer is a state error.
static inline wherry_error wherry_request_respond(wherry_request r, uint32_t http_status, wherry_headers headers,
                                                  wherry_span body) {
  return wherry_answer_request(r, http_status, 0, headers, body);
}

// wherry_request_waits reports whether a request has not been answered here.
static inline int wherry_request_waits(wherry_request r) { return wherry_waiting_slot(r) != 0; }

static inline void wherry_request_came(wherry_request r) {
  uint64_t *slot = &wherry_waiting[wherry_waiting_next];
  for (uint32_t i = 0; *slot && i < WHERRY_REQUESTS; i++)
    slot = &wherry_waiting[(wherry_waiting_next + i) % WHERRY_REQUESTS];
  if (*slot) {
    slot = &wherry_waiting[wherry_waiting_next];
    wherry_answer_request((wherry_request){*slot}, WHERRY_HTTP_SERVICE_UNAVAILABLE, 0, wherry_no_headers,
                          wherry_nothing);
    wherry_waiting_next = (wherry_waiting_next + 1) % WHERRY_REQUESTS;
  }
  *slot = r.id;
}

#endif

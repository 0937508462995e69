// limiter sends texts back, as many as a bucket of tokens allows: five at once, and one
// more for each tenth of a second. Whoever goes on regardless is sent away.
#include "wherry_app.h"

enum {
  BURST = 5,
  REFILL_NS = 100 * 1000 * 1000,
  PATIENCE = 10, // refusals in a row
};

// A bucket is empty while `full_at`, when it will be full again, is far away: a full
// one holds BURST, and each token that is missing takes REFILL_NS.
typedef struct bucket {
  int64_t full_at;
  uint32_t refused;
} bucket;

static int take(bucket *b) {
  int64_t now = wherry_now(WHERRY_CLOCK_MONOTONIC);
  if (b->full_at < now) b->full_at = now;
  if (b->full_at - now > (int64_t)(BURST - 1) * REFILL_NS) return 0;
  b->full_at += REFILL_NS;
  return 1;
}

static wherry_error on_receive(wherry_conn c, const wherry_message *message) {
  bucket *b = WHERRY_STATE(c, bucket);
  if (take(b)) {
    b->refused = 0;
    return wherry_conn_send_back(c, message);
  }
  if (++b->refused == PATIENCE)
    return wherry_fail_policy(WHERRY_CLOSE_POLICY_VIOLATION, WHERRY_STR("too many messages"));
  return wherry_conn_send_text(c, WHERRY_STR("slow down"));
}

WHERRY_GUEST(WHERRY_ENDPOINTS({.route = "/ws", .encoding = WHERRY_TEXT, .on_receive = on_receive}))

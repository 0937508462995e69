// echo accepts every connection and sends every message back. The record of a
// received message is already the command that sends it: kind, flags, handle
// and bytes are what they must be, so the payload is never touched.
#include "../sdk/c/wherry.h"

static void wherry_on_event(const wherry_record *event) {
  switch (event->kind) {
  case WHERRY_KIND_MESSAGE:
    wherry_hand_back(event);
    break;
  case WHERRY_KIND_CONNECT:
    wherry_accept(event->conn, (wherry_span){0, 0});
    break;
  }
}

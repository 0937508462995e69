// endless accepts every connection, and never comes back from the first message: the
// neighbour that nobody wants.
#include "../../../guests/sdk/c/wherry.h"

static volatile uint32_t rounds;

static void wherry_on_event(const wherry_record *event) {
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
    wherry_accept(event->conn, (wherry_span){0, 0});
    break;
  case WHERRY_KIND_MESSAGE:
    for (;;) rounds++;
  }
}

// broadcast accepts every connection, and sends every message to all of them.
#include "../../../guests/sdk/c/wherry.h"

static void wherry_on_event(const wherry_record *event) {
  const wherry_span all = WHERRY_STR("all");
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
    wherry_accept(event->conn, (wherry_span){0, 0});
    wherry_subscribe(event->conn, all);
    break;
  case WHERRY_KIND_MESSAGE:
    wherry_publish(all, event->flags & WHERRY_FLAG_TEXT, wherry_data(event));
    break;
  }
}

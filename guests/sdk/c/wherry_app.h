// wherry_app.h: a guest as endpoints with handlers, on top of wherry.h. README.md
// beside it is its manual.
//
//   #include "wherry_app.h"
//
//   static wherry_error echo(wherry_conn c, const wherry_message *message) {
//     return wherry_conn_send_back(c, message);
//   }
//
//   WHERRY_GUEST(WHERRY_ENDPOINTS({.route = "/echo", .on_receive = echo}))
//
// It needs no library and no heap: everything is in tables of a fixed size, which
// take no memory where they were not used. The sizes are macros, to be defined
// before the #include; README.md lists them.
#ifndef WHERRY_APP_H
#define WHERRY_APP_H

#include "wherry_abi.h"

// What the guest wants follows from what it registers.
#define WHERRY_WANTS wherry_app_wants()
static uint32_t wherry_app_wants(void);

#include "wherry.h"

#include "wherry_dispatch.h"
#include "wherry_rooms.h"

#endif

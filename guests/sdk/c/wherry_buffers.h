// wherry_buffers.h: memory for payloads that do not fit in the inbox.
//
// The host asks for a buffer between turns and may keep it for as long as it
// likes, also for another message than it asked for. That an event points to
// its first byte gives it back, at the end of that turn.
#ifndef WHERRY_BUFFERS_H
#define WHERRY_BUFFERS_H

#include "wherry_abi.h"

#ifndef WHERRY_BUFFERS
#define WHERRY_BUFFERS 64 // the most buffers, lent and free
#endif
#define WHERRY_PAGE 65536u // of WebAssembly's memory, in bytes

#define WHERRY_OFFSET 2048u // of a buffer in a page: SPEC.md, section 9, says why

static struct wherry_buffer {
  uint32_t at, bytes, lent;
} wherry_buffers[WHERRY_BUFFERS];
static uint32_t wherry_buffer_count;
static uint32_t wherry_lent;        // how many the host holds
static uint32_t wherry_buffers_end; // of the last

static inline uint32_t wherry_lend(struct wherry_buffer *b) {
  b->lent = 1;
  wherry_lent++;
  return b->at;
}

// A block is never split or joined: sizes are powers of two, so one that is free
// fits the next message of its size, and no more than half of it is wasted.
__attribute__((export_name("wherry_v1_alloc"))) uint32_t wherry_v1_alloc(uint32_t size) {
  if (size > 1u << 30) return 0;
  uint32_t bytes = WHERRY_PAGE;
  while (bytes < size) bytes *= 2;
  for (uint32_t i = 0; i < wherry_buffer_count; i++) {
    struct wherry_buffer *b = &wherry_buffers[i];
    if (!b->lent && b->bytes == bytes) return wherry_lend(b);
  }
  if (wherry_buffer_count == WHERRY_BUFFERS) return 0;
  uint32_t at = wherry_buffers_end, pages = bytes / WHERRY_PAGE;
  uint32_t end = __builtin_wasm_memory_size(0) * WHERRY_PAGE;
  if (end - at != WHERRY_PAGE - WHERRY_OFFSET) { // the first, or the memory has grown for somebody else
    at = end + WHERRY_OFFSET;
    pages++;
  }
  if (__builtin_wasm_memory_grow(0, pages) == (__SIZE_TYPE__)-1) return 0;
  wherry_buffers_end = at + bytes;
  struct wherry_buffer *b = &wherry_buffers[wherry_buffer_count++];
  *b = (struct wherry_buffer){at, bytes, 0};
  return wherry_lend(b);
}

// wherry_free_delivered takes back the buffers that the events of a turn point to.
static void wherry_free_delivered(const wherry_record *events, uint32_t count) {
  for (uint32_t e = 0; e < count; e++) {
    for (uint32_t i = 0; i < wherry_buffer_count; i++) {
      struct wherry_buffer *b = &wherry_buffers[i];
      if (!b->lent || b->at != events[e].data) continue;
      b->lent = 0;
      wherry_lent--;
    }
  }
}

#endif

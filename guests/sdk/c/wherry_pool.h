// wherry_pool.h: things of one size, found by a number of 64 bits: connections by
// their handles, timers and requests by theirs. A pool has a fixed number of
// places and takes no memory that was not used: places are taken from the
// front, and those that are free again before new ones.
#ifndef WHERRY_POOL_H
#define WHERRY_POOL_H

#include "wherry_text.h"

// A wherry_item is the front of everything that is in a pool.
typedef struct wherry_item {
  uint64_t key;  // 0 where the place is free
  uint32_t next; // of a free place: the next one, counted from 1
} wherry_item;

typedef struct wherry_pool {
  char *items;     // `limit` of them, item_bytes each
  uint32_t *index; // 0, or the place of an item counted from 1
  uint32_t item_bytes, limit;
  uint32_t slots; // of the index that are in use: a power of two, over `used` twice
  uint32_t used;  // items that are there
  uint32_t fresh; // places that were never taken begin here
  uint32_t free;  // the first free place before them, counted from 1
} wherry_pool;

// WHERRY_SLOTS is the power of two that is over 2 * n, so that a search of the index
// always ends. It begins with few of them, which is all that a small guest touches.
enum { WHERRY_FIRST_SLOTS = 16 };
#define WHERRY_FILL_1(n) ((n) | (n) >> 1)
#define WHERRY_FILL_2(n) (WHERRY_FILL_1(n) | WHERRY_FILL_1(n) >> 2)
#define WHERRY_FILL_4(n) (WHERRY_FILL_2(n) | WHERRY_FILL_2(n) >> 4)
#define WHERRY_FILL_8(n) (WHERRY_FILL_4(n) | WHERRY_FILL_4(n) >> 8)
#define WHERRY_SLOTS(n) ((WHERRY_FILL_8(2u * (n) | 15u) | WHERRY_FILL_8(2u * (n) | 15u) >> 16) + 1u)

// WHERRY_POOL defines a pool of n items of a type that begins with a wherry_item.
#define WHERRY_POOL(name, type, n) \
  static type name##_items[n]; \
  static uint32_t name##_index[WHERRY_SLOTS(n)]; \
  static wherry_pool name = {(char *)name##_items, name##_index, sizeof(type), n, WHERRY_FIRST_SLOTS, 0, 0, 0}

static inline wherry_item *wherry_pool_item(const wherry_pool *p, uint32_t place) {
  return (wherry_item *)(p->items + (size_t)(place - 1) * p->item_bytes);
}

static inline uint32_t wherry_pool_home(const wherry_pool *p, uint64_t key) {
  return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & (p->slots - 1);
}

// wherry_pool_slot returns the index's slot of key, or the free one where it would be.
static inline uint32_t wherry_pool_slot(const wherry_pool *p, uint64_t key) {
  uint32_t i = wherry_pool_home(p, key);
  while (p->index[i] && wherry_pool_item(p, p->index[i])->key != key) i = (i + 1) & (p->slots - 1);
  return i;
}

// wherry_pool_find returns the item of key, or 0.
static inline void *wherry_pool_find(const wherry_pool *p, uint64_t key) {
  uint32_t place = key ? p->index[wherry_pool_slot(p, key)] : 0;
  return place ? wherry_pool_item(p, place) : 0;
}

// wherry_pool_grow doubles the index.
WHERRY_COLD void wherry_pool_grow(wherry_pool *p) {
  p->slots *= 2;
  __builtin_memset(p->index, 0, p->slots * sizeof(*p->index));
  for (uint32_t place = 1; place <= p->fresh; place++) {
    uint64_t key = wherry_pool_item(p, place)->key;
    if (key) p->index[wherry_pool_slot(p, key)] = place;
  }
}

// wherry_pool_add returns a new item for key, zero but for its front, or 0 where key
// is 0 or has one already, or the pool is full.
WHERRY_COLD void *wherry_pool_add(wherry_pool *p, uint64_t key) {
  if (!key || p->used == p->limit) return 0;
  if (2 * (p->used + 1) >= p->slots) wherry_pool_grow(p);
  uint32_t slot = wherry_pool_slot(p, key), place = p->free;
  if (p->index[slot]) return 0;
  if (!place) place = ++p->fresh;
  wherry_item *item = wherry_pool_item(p, place);
  if (place == p->free) p->free = item->next;
  __builtin_memset(item, 0, p->item_bytes);
  item->key = key;
  p->index[slot] = place;
  p->used++;
  return item;
}

// wherry_pool_remove frees an item's place. What had to go past its slot of the
// index moves up, so that a search never needs a mark where somebody was.
WHERRY_COLD void wherry_pool_remove(wherry_pool *p, wherry_item *item) {
  uint32_t mask = p->slots - 1, hole = wherry_pool_slot(p, item->key), place = p->index[hole];
  for (uint32_t i = (hole + 1) & mask; p->index[i]; i = (i + 1) & mask) {
    uint32_t home = wherry_pool_home(p, wherry_pool_item(p, p->index[i])->key);
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    p->index[hole] = p->index[i];
    hole = i;
  }
  p->index[hole] = 0;
  item->key = 0;
  item->next = p->free;
  p->free = place;
  p->used--;
}

#endif

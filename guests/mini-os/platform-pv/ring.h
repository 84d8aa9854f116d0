/*
 * The front end's side of a ring (docs/abi.md, "Rings"): one page, requests and responses in the same slots.
 */
#ifndef MINI_OS_RING_H
#define MINI_OS_RING_H

#include "pv.h"

struct front_ring {
  volatile struct pv_ring *shared; /* a page, all zero at first */
  u32 req_prod; /* requests written, published or not */
  u32 rsp_cons; /* responses taken */
};

/* Publishes what was written, and notifies the back end if it asked for that. */
static inline void ring_publish(struct front_ring *ring, u32 port) {
  u32 old = ring->shared->req_prod;
  u32 new = ring->req_prod;
  fence_all(); /* requests before the index */
  ring->shared->req_prod = new;
  fence_all(); /* the index before the back end's wish is read */
  if (new - ring->shared->req_event < new - old) pv_send(port);
}

static inline bool ring_has_response(const struct front_ring *ring) {
  bool has = ring->shared->rsp_prod != ring->rsp_cons;
  fence_all(); /* the index before the response */
  return has;
}

/* Asks for an event once `count` more responses are there. They may be there already: look again. */
static inline void ring_event_after(struct front_ring *ring, u32 count) {
  ring->shared->rsp_event = ring->rsp_cons + count;
  fence_all();
}

#endif

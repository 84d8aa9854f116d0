/* The disk behind a ring: a transfer is one request on it, with a segment for each page. */
#include "ring.h"
#include "trap.h"

#define RESPONSE_OKAY 0

union slot {
  struct blkif_request request;
  struct blkif_response response;
};

static volatile union {
  struct pv_ring ring;
  u8 page[PAGE_SIZE_BYTES];
} shared __attribute__((aligned(4096)));

static struct front_ring ring = {.shared = &shared.ring};
static u32 port;
static u64 capacity;
static u32 references[BLOCK_REQUESTS_MAX];
static struct block_request *submitted;
static u32 submitted_count;

static volatile union slot *slot_of(u32 index) {
  return (volatile union slot *)ring.shared->slots + index % BLKIF_SLOTS;
}

static void interrupt(void) {
  for (; ring_has_response(&ring); ring.rsp_cons++) {
    volatile const struct blkif_response *response = &slot_of(ring.rsp_cons)->response;
    u64 id = response->id;
    if (id != 0 || submitted_count == 0) panic("a response to nothing", id);
    for (u32 i = 0; i < submitted_count; i++) {
      submitted[i].failed = response->status != RESPONSE_OKAY;
      submitted[i].done = true;
    }
    submitted_count = 0;
  }
  block_completed();
}

static bool start(void) {
  const struct pv_device *device = device_find(PV_DEVICE_BLOCK);
  if (device == NULL) return false;
  capacity = device->capacity;
  port = device_connect(PV_DEVICE_BLOCK, grant_page(&shared, false), 0);
  for (u32 i = 0; i < BLOCK_REQUESTS_MAX; i++) references[i] = grant_page(&shared, true);
  interrupt_route(port, interrupt);
  return true;
}

static u64 sectors(void) { return capacity; }

static void submit(struct block_request *requests, u32 count) {
  submitted = requests;
  submitted_count = count;
  bool write = requests[0].write;
  struct blkif_request request = {
      .operation = write ? BLKIF_WRITE : BLKIF_READ,
      .segment_count = (u8)count,
      .sector = requests[0].sector,
  };
  for (u32 i = 0; i < count; i++) {
    grant_change(references[i], requests[i].data, write);
    u8 last = (u8)(requests[i].sector_count - 1);
    request.segments[i] = (struct blkif_segment){.gref = references[i], .first_sector = 0, .last_sector = last};
  }
  slot_of(ring.req_prod++)->request = request;
  ring_event_after(&ring, 1);
  ring_publish(&ring, port);
}

_Static_assert(BLOCK_REQUESTS_MAX <= BLKIF_SEGMENTS_MAX, "a transfer is one request");

const struct block_driver pv_block = {
    .driver = {"pv-block", start},
    .sectors = sectors,
    .submit = submit,
};

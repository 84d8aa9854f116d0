/*
 * The network behind two rings. An event comes for a frame only while a receiver has found its ring empty, and for transmitted ones only
 * while a sender has found its own full.
 */
#include "ring.h"
#include "syscall.h"
#include "trap.h"

#define PACKETS 16
#define REFILL_BATCH 8
#define TRANSMIT_BYTES 2048 /* two to a page */

union transmit_slot {
  struct netif_tx_request request;
  struct netif_tx_response response;
};

union receive_slot {
  struct netif_rx_request request;
  struct netif_rx_response response;
};

typedef union {
  struct pv_ring ring;
  u8 page[PAGE_SIZE_BYTES];
} ring_page;

static volatile ring_page transmit_page __attribute__((aligned(4096)));
static volatile ring_page receive_page __attribute__((aligned(4096)));
static struct front_ring transmit_ring = {.shared = &transmit_page.ring};
static struct front_ring receive_ring = {.shared = &receive_page.ring};
static u8 transmitted[PACKETS][TRANSMIT_BYTES] __attribute__((aligned(4096)));
static u8 received[PACKETS][PAGE_SIZE_BYTES] __attribute__((aligned(4096)));
static u32 transmit_references[PACKETS];
static u32 receive_references[PACKETS];
static u16 free_packets[PACKETS];
static u32 free_count;
static u32 port;
static const u8 *mac;

static volatile union transmit_slot *transmit_slot(u32 index) {
  return (volatile union transmit_slot *)transmit_ring.shared->slots + index % NETIF_SLOTS;
}

static volatile union receive_slot *receive_slot(u32 index) {
  return (volatile union receive_slot *)receive_ring.shared->slots + index % NETIF_SLOTS;
}

static void offer(u16 id) {
  receive_slot(receive_ring.req_prod++)->request = (struct netif_rx_request){.id = id, .gref = receive_references[id]};
}

static bool start(void) {
  const struct pv_device *device = device_find(PV_DEVICE_NETWORK);
  if (device == NULL) return false;
  mac = device->address;
  port = device_connect(PV_DEVICE_NETWORK, grant_page(&transmit_page, false), grant_page(&receive_page, false));
  interrupt_route(port, net_completed);
  for (u16 id = 0; id < PACKETS; id++) {
    transmit_references[id] = grant_page((u8 *)((u64)transmitted[id] & -PAGE_SIZE_BYTES), true);
    receive_references[id] = grant_page(received[id], false);
    free_packets[free_count++] = id;
    offer(id);
  }
  ring_publish(&receive_ring, port);
  return true;
}

static const u8 *address(void) { return mac; }

static void take_back_transmitted(void) {
  for (; ring_has_response(&transmit_ring); transmit_ring.rsp_cons++) {
    u16 id = transmit_slot(transmit_ring.rsp_cons)->response.id;
    if (id >= PACKETS || free_count == PACKETS) panic("a response to nothing", id);
    free_packets[free_count++] = id;
  }
}

static bool transmit(const void *frame, u32 length_bytes) {
  if (free_count == 0) take_back_transmitted();
  if (free_count == 0) {
    ring_event_after(&transmit_ring, PACKETS / 2);
    take_back_transmitted();
    if (free_count == 0) return false;
  }
  u16 id = free_packets[--free_count];
  memcpy(transmitted[id], frame, length_bytes);
  transmit_slot(transmit_ring.req_prod++)->request = (struct netif_tx_request){
      .gref = transmit_references[id],
      .offset = (u16)((u64)transmitted[id] % PAGE_SIZE_BYTES),
      .id = id,
      .size = (u16)length_bytes,
  };
  ring_publish(&transmit_ring, port);
  return true;
}

static u32 receive(void *frame, u32 room_bytes) {
  if (!ring_has_response(&receive_ring)) {
    ring_event_after(&receive_ring, 1);
    if (!ring_has_response(&receive_ring)) return 0;
  }
  struct netif_rx_response response = receive_slot(receive_ring.rsp_cons++)->response;
  if (response.id >= PACKETS || response.status <= 0 || response.offset + response.status > (i32)PAGE_SIZE_BYTES) {
    panic("a frame that cannot be", response.id);
  }
  u32 length = (u32)response.status;
  memcpy(frame, received[response.id] + response.offset, length < room_bytes ? length : room_bytes);
  offer(response.id);
  if (receive_ring.req_prod - receive_ring.shared->req_prod >= REFILL_BATCH) ring_publish(&receive_ring, port);
  return length;
}

const struct net_driver pv_net = {
    .driver = {"pv-net", start},
    .address = address,
    .transmit = transmit,
    .receive = receive,
};

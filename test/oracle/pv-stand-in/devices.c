/* Grants, the disk, and the network with its peer (docs/devices.md, "The network"). Everything is served as it is notified. */
#include "stand-in.h"

#define BLOCK_PORT 6
#define NETWORK_PORT 7
#define SECTOR_BYTES 512
#define DISK_BASE 0x86000000ul /* in RAM that the guest does not come to */
#define DISK_BYTES 131072ul

#define FRAME_BYTES_MAX 1514
#define ACKNOWLEDGEMENT_BYTES 60
#define AT_OPERATION 14
#define AT_INTERVAL 16
#define AT_SEQUENCE 18
#define AT_PAYLOAD 22
#define RECEIVE_OFFSET 64 /* a driver may not take for granted that it is 0 */

enum { OPERATION_REQUEST = 1, OPERATION_RESPONSE, OPERATION_STREAM, OPERATION_ACKNOWLEDGE };

static const u8 address[6] = {0x02, 0x50, 0x54, 0x00, 0x00, 0x12};
static const struct grant_entry *grants;
static struct pv_ring *block, *transmit, *receive;
static u32 block_taken, transmit_taken, receive_taken;
static u32 stream_frames, stream_bytes;

static u8 *granted(u32 reference, bool write) {
  const struct grant_entry *grant = &grants[reference];
  rule(reference < PAGE_SIZE_BYTES / sizeof *grant && (grant->flags & GTF_PERMIT_ACCESS), "there is such a grant", reference);
  rule(grant->domid == DOMID_BACK_ENDS, "the grant is for the back ends", grant->domid);
  rule(!write || (grant->flags & GTF_READONLY) == 0, "the grant lets the back end write", reference);
  return (u8 *)((u64)grant->frame * PAGE_SIZE_BYTES);
}

void grant_setup(struct gnttab_setup_table *setup) {
  rule(setup->frames == 1, "there is one frame of grants", setup->frames);
  grants = (const struct grant_entry *)*(const u64 *)setup->addresses;
  setup->status = 0;
}

static void respond(struct pv_ring *ring, u32 rsp_prod, u32 port) {
  u32 old = ring->rsp_prod;
  ring->rsp_prod = rsp_prod;
  if (rsp_prod - ring->rsp_event < rsp_prod - old) make_pending(port);
}

static void move_sectors(const struct blkif_request *request) {
  u8 *disk = (u8 *)DISK_BASE + request->sector * SECTOR_BYTES;
  rule(request->segment_count <= BLKIF_SEGMENTS_MAX, "a request has at most 11 segments", request->segment_count);
  for (u32 i = 0; i < request->segment_count; i++) {
    const struct blkif_segment *segment = &request->segments[i];
    u8 *page = granted(segment->gref, request->operation == BLKIF_READ) + segment->first_sector * SECTOR_BYTES;
    u64 length = (u64)(segment->last_sector - segment->first_sector + 1) * SECTOR_BYTES;
    rule(disk + length <= (u8 *)DISK_BASE + DISK_BYTES, "a request stays on the disk", request->sector);
    if (request->operation == BLKIF_READ) memcpy(page, disk, length);
    else memcpy(disk, page, length);
    disk += length;
  }
}

static void serve_block(void) {
  struct blkif_request *slots = (struct blkif_request *)block->slots;
  u32 rsp_prod = block->rsp_prod;
  for (; block_taken != block->req_prod; block_taken++) {
    struct blkif_request request = slots[block_taken % BLKIF_SLOTS];
    move_sectors(&request);
    struct blkif_response *response = (struct blkif_response *)&slots[rsp_prod++ % BLKIF_SLOTS];
    *response = (struct blkif_response){.id = request.id, .operation = request.operation};
  }
  block->req_event = block_taken + 1;
  respond(block, rsp_prod, BLOCK_PORT);
}

static void deliver(const u8 *frame, u32 length) {
  rule(receive_taken != receive->req_prod, "there is a buffer to receive with", receive_taken);
  struct netif_rx_request request = ((struct netif_rx_request *)receive->slots)[receive_taken++ % NETIF_SLOTS];
  memcpy(granted(request.gref, true) + RECEIVE_OFFSET, frame, length);
  u32 rsp_prod = receive->rsp_prod;
  ((struct netif_rx_response *)receive->slots)[rsp_prod % NETIF_SLOTS] =
      (struct netif_rx_response){.id = request.id, .offset = RECEIVE_OFFSET, .status = (short)length};
  respond(receive, rsp_prod + 1, NETWORK_PORT);
}

static u32 number(const u8 *field, u32 bytes) {
  u32 value = 0;
  for (u32 i = 0; i < bytes; i++) value = value << 8 | field[i];
  return value;
}

static void put_number(u8 *field, u32 value) {
  for (u32 i = 0; i < 4; i++) field[i] = (u8)(value >> (24 - 8 * i));
}

static void peer_gets(const u8 *frame, u32 length) {
  u8 answer[FRAME_BYTES_MAX];
  rule(length >= AT_PAYLOAD && length <= FRAME_BYTES_MAX, "a frame has the length of one", length);
  memcpy(answer, frame, length);
  memcpy(answer, frame + 6, 6);
  memcpy(answer + 6, frame, 6);
  if (frame[AT_OPERATION] == OPERATION_REQUEST) {
    answer[AT_OPERATION] = OPERATION_RESPONSE;
    deliver(answer, length);
  }
  if (frame[AT_OPERATION] != OPERATION_STREAM) return;
  stream_frames++;
  for (u32 i = AT_PAYLOAD; i < length; i++) stream_bytes += frame[i];
  u32 interval = number(frame + AT_INTERVAL, 2);
  if (interval == 0 || (number(frame + AT_SEQUENCE, 4) + 1) % interval != 0) return;
  answer[AT_OPERATION] = OPERATION_ACKNOWLEDGE;
  memset(answer + AT_PAYLOAD, 0, ACKNOWLEDGEMENT_BYTES - AT_PAYLOAD);
  put_number(answer + AT_PAYLOAD, stream_frames);
  put_number(answer + AT_PAYLOAD + 4, stream_bytes);
  deliver(answer, ACKNOWLEDGEMENT_BYTES);
}

static void serve_network(void) {
  struct netif_tx_request *slots = (struct netif_tx_request *)transmit->slots;
  u32 rsp_prod = transmit->rsp_prod;
  for (; transmit_taken != transmit->req_prod; transmit_taken++) {
    struct netif_tx_request request = slots[transmit_taken % NETIF_SLOTS];
    rule(request.offset + request.size <= PAGE_SIZE_BYTES, "a frame lies in one page", request.size);
    peer_gets(granted(request.gref, false) + request.offset, request.size);
    struct netif_tx_response *response = (struct netif_tx_response *)&slots[rsp_prod++ % NETIF_SLOTS];
    *response = (struct netif_tx_response){.id = request.id};
  }
  transmit->req_event = transmit_taken + 1;
  respond(transmit, rsp_prod, NETWORK_PORT);
}

void device_serve(u32 port) {
  if (port == BLOCK_PORT) serve_block();
  else if (port == NETWORK_PORT) serve_network();
  else broken("a port that is notified is a device's", port);
}

static struct pv_ring *connect_ring(u32 reference) {
  struct pv_ring *ring = (struct pv_ring *)granted(reference, true);
  ring->req_event = 1;
  return ring;
}

void device_connect(struct device_connect *connection) {
  if (connection->type == PV_DEVICE_BLOCK) {
    block = connect_ring(connection->ring_ref);
    connection->port = BLOCK_PORT;
  } else {
    rule(connection->type == PV_DEVICE_NETWORK, "there is such a device", connection->type);
    transmit = connect_ring(connection->ring_ref);
    receive = connect_ring(connection->rx_ring_ref);
    connection->port = NETWORK_PORT;
  }
}

/* The disk is the pattern disk of src/cli/pattern-disk.ts. */
void devices_start(void) {
  for (u64 i = 0; i < DISK_BYTES / sizeof(u64); i++) {
    u64 mixed = (i + 1) * 0x9e3779b97f4a7c15ul;
    ((u64 *)DISK_BASE)[i] = mixed ^ mixed >> 32;
  }
  start_info->device_count = 2;
  start_info->devices[0] = (struct pv_device){.type = PV_DEVICE_BLOCK, .capacity = DISK_BYTES / SECTOR_BYTES};
  start_info->devices[1] = (struct pv_device){.type = PV_DEVICE_NETWORK};
  memcpy(start_info->devices[1].address, address, sizeof address);
}

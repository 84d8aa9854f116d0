/*
 * Workloads on the network, against a peer that returns requests and acknowledges streams (docs/devices.md, "The network").
 */
#include "user.h"

#define ETHERTYPE 0x88b5
#define HEADER_BYTES 22
#define FRAME_BYTES_MIN 60
#define PAYLOAD_BYTES_MAX (FRAME_BYTES_MAX - HEADER_BYTES)
#define ACKNOWLEDGE_INTERVAL 16
#define ADDRESS_BYTES 6

enum { OPERATION_REQUEST = 1, OPERATION_RESPONSE, OPERATION_STREAM, OPERATION_ACKNOWLEDGE };

/* As it stands on the wire: numbers are big-endian. */
struct frame {
  u8 destination[ADDRESS_BYTES];
  u8 source[ADDRESS_BYTES];
  u8 type[2];
  u8 operation;
  u8 unused;
  u8 interval[2];
  u8 sequence[4];
  u8 payload[PAYLOAD_BYTES_MAX];
};

static const u8 peer[ADDRESS_BYTES] = {0x02, 0x50, 0x54, 0x00, 0x00, 0x01};
/* Aligned, so that they are copied by whole words. */
static struct frame outgoing __attribute__((aligned(8)));
static struct frame incoming __attribute__((aligned(8)));

static void put_number(u8 *field, u32 bytes, u64 value) {
  for (u32 i = 0; i < bytes; i++) field[i] = (u8)(value >> 8 * (bytes - 1 - i));
}

static u32 number(const u8 *field, u32 bytes) {
  u32 value = 0;
  for (u32 i = 0; i < bytes; i++) value = value << 8 | field[i];
  return value;
}

static void prepare(u8 operation, u32 interval) {
  require(system_call(SYS_NET_ADDRESS, (u64)outgoing.source, 0, 0) == 0, "there is a network");
  memcpy(outgoing.destination, peer, sizeof peer);
  put_number(outgoing.type, sizeof outgoing.type, ETHERTYPE);
  outgoing.operation = operation;
  put_number(outgoing.interval, sizeof outgoing.interval, interval);
}

static void send(u32 sequence, u32 length_bytes) {
  put_number(outgoing.sequence, sizeof outgoing.sequence, sequence);
  require(system_call(SYS_NET_SEND, (u64)&outgoing, length_bytes, 0) == 0, "the network sends");
}

/* The next frame of the peer with this operation and number; others are not for us. */
static u32 receive(u8 operation, u32 sequence) {
  for (;;) {
    i64 length = system_call(SYS_NET_RECEIVE, (u64)&incoming, sizeof incoming, 0);
    require(length > 0, "the network receives");
    bool is_wanted = length >= FRAME_BYTES_MIN && memcmp(incoming.source, peer, sizeof peer) == 0 &&
                     number(incoming.type, sizeof incoming.type) == ETHERTYPE && incoming.operation == operation &&
                     number(incoming.sequence, sizeof incoming.sequence) == sequence;
    if (is_wanted) return (u32)length;
  }
}

/* One small request at a time. */
u32 workload_net_rr(u64 iterations) {
  const u32 payload_bytes = FRAME_BYTES_MIN - HEADER_BYTES;
  u32 checksum = CHECKSUM_START;
  prepare(OPERATION_REQUEST, 0);
  for (u64 i = 0; i < iterations; i++) {
    for (u32 byte = 0; byte < payload_bytes; byte++) outgoing.payload[byte] = (u8)(i + byte);
    send((u32)i, FRAME_BYTES_MIN);
    require(receive(OPERATION_RESPONSE, (u32)i) == FRAME_BYTES_MIN, "a response is as long as its request");
    for (u32 byte = 0; byte < payload_bytes; byte++) checksum = checksum_add(checksum, incoming.payload[byte]);
  }
  return checksum;
}

/* Full frames, as fast as the peer acknowledges them. It adds up what it got, so that a lost frame shows. */
u32 workload_net_stream(u64 iterations) {
  u32 checksum = CHECKSUM_START;
  prepare(OPERATION_STREAM, ACKNOWLEDGE_INTERVAL);
  for (u32 byte = 0; byte < PAYLOAD_BYTES_MAX; byte++) outgoing.payload[byte] = (u8)scramble(byte);
  for (u64 i = 0; i < iterations; i++) {
    put_number(outgoing.payload, sizeof(u32), i);
    send((u32)i, FRAME_BYTES_MAX);
    if ((i + 1) % ACKNOWLEDGE_INTERVAL != 0) continue;
    receive(OPERATION_ACKNOWLEDGE, (u32)i);
    checksum = checksum_add(checksum, number(incoming.payload, 4));
    checksum = checksum_add(checksum, number(incoming.payload + 4, 4));
  }
  return checksum_add(checksum, iterations);
}

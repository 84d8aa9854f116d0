/* Lines of the interrupt controller and the drivers that serve them. */
#include "trap.h"

#define LINES_MAX 128

static void (*servers[LINES_MAX])(void);

void interrupt_route(u32 line, void (*serve)(void)) {
  if (line == 0 || line >= LINES_MAX) panic("no such interrupt line", line);
  servers[line] = serve;
  platform.irq.unmask(line);
}

void line_interrupt(u32 line) {
  if (line >= LINES_MAX || servers[line] == NULL) panic("an interrupt that nobody asked for", line);
  servers[line]();
}

void device_interrupt(void) {
  for (u32 line; (line = platform.irq.claim()) != 0;) {
    line_interrupt(line);
    platform.irq.complete(line);
  }
}

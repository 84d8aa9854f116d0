/** Aligns the events of two runs, and tells of each what stands for it in the other. One pass, with bounded memory. */
import type { EventQueue, NumberedEvent } from './event-queue.ts';
import { resync } from './resync.ts';

/** Is told of the alignment, in order. */
export interface AlignmentTaker {
  both(left: NumberedEvent, right: NumberedEvent): void;
  onlyLeft(left: NumberedEvent): void;
  onlyRight(right: NumberedEvent): void;
}

export function align(left: EventQueue, right: EventQueue, taker: AlignmentTaker): void {
  for (;;) {
    const [hasLeft, hasRight] = [left.look(1) > 0, right.look(1) > 0];
    if (hasLeft && hasRight && left.signature(0) === right.signature(0)) taker.both(left.take(), right.take());
    else if (hasLeft && hasRight) follow(left, right, taker);
    else if (hasLeft) taker.onlyLeft(left.take());
    else if (hasRight) taker.onlyRight(right.take());
    else return;
  }
}

function follow(left: EventQueue, right: EventQueue, taker: AlignmentTaker): void {
  for (const step of resync(left, right)) {
    for (let count = 0; count < step.both; count += 1) taker.both(left.take(), right.take());
    for (let count = 0; count < step.left; count += 1) taker.onlyLeft(left.take());
    for (let count = 0; count < step.right; count += 1) taker.onlyRight(right.take());
  }
}

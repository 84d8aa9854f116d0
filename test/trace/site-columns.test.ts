import { expect, test } from 'vitest';
import { COLUMN_CODING } from '../../src/trace/schema.ts';
import { MissWriter } from '../../src/trace/site-columns.ts';

test('zeros at the end are there, however full the room for misses is', () => {
  const again = COLUMN_CODING.again.code;
  for (let count = 0; count < 1100; count += 1) {
    const misses = new MissWriter(again);
    for (let row = 0; row < count; row += 1) misses.put(1, 0);
    misses.putZeros(7);
    expect([...misses.bytes()]).toEqual([again, ...new Array(count).fill(1), 0, 6]);
  }
});

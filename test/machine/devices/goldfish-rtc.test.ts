import { describe, expect, it } from 'vitest';
import { GoldfishRtc, RTC } from '../../../src/machine/devices/goldfish-rtc.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { FakeClock, FakeLine } from '../../support/fake-bus.ts';

const EPOCH_SECONDS = 1_700_000_000;

function setUp(epochSeconds = EPOCH_SECONDS) {
  const clock = new FakeClock();
  const irq = new FakeLine();
  const rtc = new GoldfishRtc({ clock, irq, cycleOfMtime: clock.cycleOfMtime, epochSeconds });
  /** As Linux's driver reads the time: low first, which latches high. */
  const time = () => {
    const low = BigInt(rtc.read(RTC.TIME_LOW, 4));
    return (BigInt(rtc.read(RTC.TIME_HIGH, 4)) << 32n) | low;
  };
  const setAlarm = (nanoseconds: bigint) => {
    rtc.write(RTC.ALARM_HIGH, 4, Number(nanoseconds >> 32n));
    rtc.write(RTC.ALARM_LOW, 4, Number(nanoseconds & 0xffff_ffffn));
  };
  return { clock, irq, rtc, time, setAlarm };
}

describe('goldfish RTC', () => {
  it('shows the configured start and follows the guest clock at 100 ns a tick', () => {
    const { clock, time } = setUp();
    expect(time()).toBe(1_700_000_000_000_000_000n);
    clock.cycle = 250;
    expect(time()).toBe(1_700_000_000_000_000_200n);
  });

  it('keeps the upper half of the last read of the lower', () => {
    const { clock, rtc } = setUp(0);
    clock.cycle = 4_294_967_200;
    expect(rtc.read(RTC.TIME_LOW, 4)).toBe(4_294_967_200);
    clock.cycle = 4_294_967_300;
    expect(rtc.read(RTC.TIME_HIGH, 4)).toBe(0);
    expect(rtc.read(RTC.TIME_LOW, 4)).toBe(4);
    expect(rtc.read(RTC.TIME_HIGH, 4)).toBe(1);
  });

  it('is set by writing high, then low', () => {
    const { clock, rtc, time } = setUp();
    clock.cycle = 5_000;
    rtc.write(RTC.TIME_HIGH, 4, 1);
    rtc.write(RTC.TIME_LOW, 4, 7);
    expect(time()).toBe((1n << 32n) + 7n);
    clock.cycle = 5_100;
    expect(time()).toBe((1n << 32n) + 107n);
  });

  it('fires an alarm at the first tick that reaches it', () => {
    const { clock, irq, rtc, setAlarm } = setUp(0);
    rtc.write(RTC.IRQ_ENABLED, 4, 1);
    setAlarm(1_050n);
    expect(rtc.read(RTC.ALARM_STATUS, 4)).toBe(1);
    expect(rtc.nextAlarmCycle()).toBe(1_100);
    clock.cycle = 1_099;
    rtc.update();
    expect(irq.level).toBe(false);
    clock.cycle = rtc.nextAlarmCycle();
    rtc.update();
    expect(irq.level).toBe(true);
    expect(rtc.read(RTC.ALARM_STATUS, 4)).toBe(0);
    expect(rtc.nextAlarmCycle()).toBe(Infinity);
    rtc.write(RTC.CLEAR_INTERRUPT, 4, 1);
    expect(irq.level).toBe(false);
  });

  it('fires an alarm in the past at once, masked until enabled', () => {
    const { irq, rtc, setAlarm } = setUp();
    setAlarm(1n);
    expect(rtc.read(RTC.ALARM_STATUS, 4)).toBe(0);
    expect(irq.level).toBe(false);
    rtc.write(RTC.IRQ_ENABLED, 4, 1);
    expect(irq.level).toBe(true);
    rtc.write(RTC.IRQ_ENABLED, 4, 0);
    expect(irq.level).toBe(false);
  });

  it('stops an alarm that is cleared, and fires one that the clock is set past', () => {
    const { clock, irq, rtc, setAlarm } = setUp(0);
    rtc.write(RTC.IRQ_ENABLED, 4, 1);
    setAlarm(500n);
    rtc.write(RTC.CLEAR_ALARM, 4, 1);
    clock.cycle = 1_000;
    rtc.update();
    expect(irq.level).toBe(false);
    setAlarm(5_000n);
    rtc.write(RTC.TIME_LOW, 4, 6_000);
    expect(irq.level).toBe(true);
    expect(rtc.read(RTC.ALARM_LOW, 4)).toBe(5_000);
    expect(rtc.read(RTC.ALARM_HIGH, 4)).toBe(0);
  });

  it('never comes due beyond the range of cycles', () => {
    const { rtc, setAlarm } = setUp(0);
    setAlarm(2n ** 63n);
    expect(rtc.nextAlarmCycle()).toBe(Infinity);
  });

  it('decodes words only and names its registers', () => {
    const { rtc } = setUp();
    expect(rtc.read(RTC.TIME_LOW, 1)).toBe(0);
    rtc.write(RTC.IRQ_ENABLED, 2, 1);
    expect(rtc.read(RTC.IRQ_ENABLED, 4)).toBe(0);
    expect(rtc.registerName(0x1c)).toBe('CLEAR_INTERRUPT');
    expect(rtc.registerName(0x20)).toBeUndefined();
    expect(rtc.read(0x40, 4)).toBe(0);
    expect(Object.keys(plainStateOf(rtc))).toEqual([
      'offsetNanoseconds',
      'latchedHigh',
      'alarmNanoseconds',
      'alarmRunning',
      'irqPending',
      'irqEnabled',
    ]);
  });
});

import dayjs from 'dayjs';
import { describe, expect, it } from 'vitest';
import { daysLeft, formatDay, formatSpan, formatTime, instantToWall, toInstant, today, wallToInstant } from '../src/lib/dates';

describe('dates', () => {
  it('are written as the city reads them', () => {
    expect(formatDay('2026-11-23', 'zh')).toBe('2026年11月23日 (周一)');
    expect(formatDay('2026-11-23', 'en')).toBe('Mon, 23 Nov 2026');
    expect(formatDay('', 'zh')).toBe('');
  });

  it('are those of Shanghai, whatever the computer thinks', () => {
    expect(formatTime('2026-11-22T16:30:05Z', 'zh')).toBe('2026年11月23日 (周一) 00:30');
    expect(formatTime('2026-11-22T16:30:05.123456Z', 'zh', true)).toBe('2026年11月23日 (周一) 00:30:05');
    expect(formatTime(undefined, 'zh')).toBe('');
    expect(today(Date.parse('2026-11-22T16:30:05Z'))).toBe('2026-11-23');
  });

  it('go from a picker to whole seconds UTC and back', () => {
    expect(wallToInstant(dayjs('2026-11-23T10:00:00'))).toBe('2026-11-23T02:00:00Z');
    const ms = Date.parse('2026-02-28T17:00:09Z');
    expect(wallToInstant(instantToWall(ms))).toBe('2026-02-28T17:00:09Z');
    expect(toInstant(ms + 999)).toBe('2026-02-28T17:00:09Z');
  });

  it('count the days left by the calendar', () => {
    const now = Date.parse('2026-11-23T15:59:00Z');
    expect(daysLeft('2026-11-23', now)).toBe(0);
    expect(daysLeft('2026-11-24', now)).toBe(1);
    expect(daysLeft('2026-11-22', now)).toBe(-1);
  });

  it('count down without going below zero', () => {
    expect(formatSpan(119_001, 'zh')).toBe('02:00');
    expect(formatSpan(-5, 'zh')).toBe('00:00');
    expect(formatSpan(3_723_000, 'zh')).toBe('01:02:03');
    expect(formatSpan(90_061_000, 'zh')).toBe('1 天 01:01:01');
    expect(formatSpan(90_061_000, 'en')).toBe('1 d 01:01:01');
  });
});

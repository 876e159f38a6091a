import { describe, expect, it } from 'vitest';
import { drawnByPpm, percentToPpm, ppmToPercent, wholeNumber } from '../src/lib/quota';

describe('percentages and parts per million', () => {
  it('reads what people type, without floating point', () => {
    expect(percentToPpm('5')).toBe('50000');
    expect(percentToPpm('2.5')).toBe('25000');
    expect(percentToPpm('0.29')).toBe('2900'); // 0.29 * 10000 is 2899.9999999999995 in floats
    expect(percentToPpm('0.0001')).toBe('1');
    expect(percentToPpm(' 5 % ')).toBe('50000');
    expect(percentToPpm('5％')).toBe('50000');
    expect(percentToPpm('100')).toBe('1000000');
    expect(percentToPpm('0')).toBe('0');
  });

  it('refuses what is no percentage', () => {
    for (const text of ['', '-1', '100.0001', '101', '1.23456', 'abc', '1,5', '1e2', '5%%', '.5', '5.']) expect(percentToPpm(text)).toBeNull();
  });

  it('comes back unchanged over the whole range', () => {
    for (let ppm = 0; ppm <= 1_000_000; ppm += 37) expect(percentToPpm(ppmToPercent(String(ppm)))).toBe(String(ppm));
    expect(ppmToPercent('50000')).toBe('5');
    expect(ppmToPercent('12345')).toBe('1.2345');
    expect(ppmToPercent('1000000')).toBe('100');
  });

  it('rounds the number drawn up', () => {
    expect(drawnByPpm(32350n, 50000n)).toBe(1618n);
    expect(drawnByPpm(20n, 50000n)).toBe(1n);
    expect(drawnByPpm(21n, 50000n)).toBe(2n);
    expect(drawnByPpm(0n, 1_000_000n)).toBe(0n);
  });

  it('takes whole numbers only', () => {
    expect(wholeNumber('012')).toBe('12');
    expect(wholeNumber('1.5')).toBeNull();
    expect(wholeNumber('')).toBeNull();
  });
});

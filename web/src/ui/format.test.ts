import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, clock, count, duration, micros, percent, rate, shortId } from './format';

const cases = <T>(name: string, format: (value: T) => string, expected: readonly (readonly [T, string])[]) =>
  test(name, () => {
    for (const [value, text] of expected) assert.equal(format(value), text);
  });

cases('counts are grouped', count, [[0, '0'], [1234567, '1,234,567']]);
cases('rates keep one digit while they are small', rate, [[0, '0'], [0.01, '<0.1'], [0.44, '0.4'], [5, '5'], [12.34, '12.3'], [99.99, '100'], [1234.5, '1,235']]);
cases('durations name two units', duration, [[0, '0 s'], [59_999, '59 s'], [250_000, '4 min 10 s'], [1_260_000, '21 min'], [11_100_000, '3 h 5 min'], [187_200_000, '2 d 4 h']]);
cases('bytes are in powers of 1,024', bytes, [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [268_435_456, '256 MiB'], [2 ** 40 * 3, '3.0 TiB']]);
cases('times go from microseconds to seconds', micros, [[0, '<1 µs'], [0.4, '<1 µs'], [84.4, '84 µs'], [1234, '1.2 ms'], [45_600, '46 ms'], [3_400_000, '3.4 s']]);
cases('percentages', percent, [[0, '0.0 %'], [9.96, '10.0 %'], [151.4, '151 %']]);
cases('long ids are cut in the middle', shortId, [['abcd', 'abcd'], ['0123456789abcdef0123456789abcdef', '01234567…89abcdef']]);
test('a time of day has two digits each', () => assert.match(clock(0), /^\d\d:\d\d:\d\d$/));

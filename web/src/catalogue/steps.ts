/** Where a key leads in a list of `count` from `at`, -1 being before it; nothing where the key does something else. Pure. */
export function stepFrom(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined;
  if (key === 'ArrowDown') return at + 1 < count ? at + 1 : 0;
  if (key === 'ArrowUp') return at > 0 ? at - 1 : count - 1;
  if (key === 'PageDown') return Math.min(count - 1, Math.max(0, at) + 10);
  if (key === 'PageUp') return Math.max(0, at - 10);
  return undefined;
}

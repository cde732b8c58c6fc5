/** Catalogue numbers, keys and movements as people write them. Pure. */

const kCatalogues: Readonly<Record<string, string>> = { op: 'Op.', k: 'K.', d: 'D.', s: 'S.', l: 'L.', hob: 'Hob.', woo: 'WoO' };

/** "op:27/2" as people write it, "Op. 27/2", and "bwv-anh:114" with its appendix; what has another form as it is. */
export function catalogueName(number: string): string {
  const parts = /^([a-z]+)(-anh)?:(.+)$/.exec(number);
  return parts === null ? number : `${kCatalogues[parts[1]!] ?? parts[1]!.toUpperCase()} ${parts[2] ? 'Anh. ' : ''}${parts[1] === 'hob' ? parts[3]!.toUpperCase() : parts[3]!}`;
}

/** "C# minor" with its own sign. */
export const keyName = (key: string): string => key.replace(/^([A-H])#/, '$1♯').replace(/^([A-H])b(?=\s|$)/, '$1♭');

export function roman(value: number): string {
  const signs: readonly [number, string][] = [[50, 'L'], [40, 'XL'], [10, 'X'], [9, 'IX'], [5, 'V'], [4, 'IV'], [1, 'I']];
  let text = '';
  for (const [worth, sign] of signs) for (; value >= worth && text.length < 12; value -= worth) text += sign;
  return text;
}

/** "I. Adagio sostenuto"; a movement that has its number already is not given another. */
export function movementName({ movement, movementNo }: { readonly movement: string; readonly movementNo: number }): string {
  if (movementNo === 0 || /^([IVXL]+|\d+)\.\s/.test(movement)) return movement;
  return movement === '' ? `Movement ${roman(movementNo)}` : `${roman(movementNo)}. ${movement}`;
}

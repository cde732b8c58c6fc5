import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'none';

/** What colour tells is told by the sign as well. */
export interface Look {
  readonly text: string;
  readonly sign: string;
  readonly tone: Tone;
}

/** A state in a word, its sign and its colour. */
export function Chip({ look, children, hint }: { look: Look; children?: ComponentChildren; hint?: string }) {
  return (
    <span class={`chip tone-${look.tone}`} title={hint}>
      {look.sign !== '' && <b aria-hidden="true">{look.sign}</b>} {look.text}
      {children}
    </span>
  );
}

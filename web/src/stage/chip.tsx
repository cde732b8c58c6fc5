import type { ComponentChildren } from 'preact';
import type { Look } from './looks';

/** A state in a word, its sign and its colour. */
export function Chip({ look, children, hint }: { look: Look; children?: ComponentChildren; hint?: string }) {
  return (
    <span class={`chip tone-${look.tone}`} title={hint}>
      {look.sign !== '' && <b aria-hidden="true">{look.sign}</b>} {look.text}
      {children}
    </span>
  );
}

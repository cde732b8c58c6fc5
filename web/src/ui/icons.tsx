/** The few drawings of the page. All are decoration: their meaning stands beside them in words. */
import type { ComponentChildren } from 'preact';

function Icon({ children, size = 16 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function Lamp({ size = 28 }: { size?: number }) {
  return (
    <svg class="lamp" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle class="lamp-glow" cx="16" cy="11" r="10" />
      <circle class="lamp-bulb" cx="16" cy="11" r="5" />
      <path class="lamp-stand" d="M16 16v11M11 27.5h10" />
    </svg>
  );
}

export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5v11A5.5 5.5 0 0 0 8 2.5z" fill="currentColor" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon size={14}>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 3.5v-.2A1.3 1.3 0 0 0 9.2 2H3.8a1.3 1.3 0 0 0-1.3 1.3v5.4A1.3 1.3 0 0 0 3.8 10H4" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon size={14}>
    <path d="M3 8.5l3.2 3.2L13 4.8" />
  </Icon>
);

/** Light, dark, or as the system says; kept in this browser. */
import { useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';

const kKey = 'ghostlight.theme';
const kNext: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

const storedTheme = (): Theme => {
  const stored = localStorage.getItem(kKey);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
};

export function applyTheme(theme: Theme = storedTheme()): void {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme);
}

/** The person's choice and a function that goes to the next one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(storedTheme);
  const next = () => {
    const chosen = kNext[theme];
    if (chosen === 'system') localStorage.removeItem(kKey);
    else localStorage.setItem(kKey, chosen);
    setTheme(chosen);
    applyTheme(chosen);
  };
  return [theme, next];
}

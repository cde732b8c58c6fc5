/** Light, dark, or as the system says; kept in this browser. */
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';

const kKey = 'ghostlight.theme';
const kNext: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const watchers = new Set<() => void>();

const storedTheme = (): Theme => {
  const stored = localStorage.getItem(kKey);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
};

export function applyTheme(theme: Theme = storedTheme()): void {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme);
  for (const watcher of watchers) watcher();
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

/** A number that changes whenever the colours do: for what is drawn on a canvas. */
export function useColours(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const changed = () => setVersion((before) => before + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    watchers.add(changed);
    system.addEventListener('change', changed);
    return () => {
      watchers.delete(changed);
      system.removeEventListener('change', changed);
    };
  }, []);
  return version;
}

/** A colour of the style sheet as it is at this moment. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

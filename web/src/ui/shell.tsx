/** What stands around every page: the name, the way to the pages, the state of the connection. */
import type { ComponentChildren } from 'preact';
import { Lamp, MoonIcon, SunIcon, SystemIcon } from './icons';
import { useTheme, type Theme } from './theme';

export interface Page {
  readonly path: string; // "#/nodes"
  readonly title: string;
}

export type Pulse = 'live' | 'connecting' | 'lost' | 'off';

const kPulse: Record<Pulse, string> = { live: 'Live', connecting: 'Connecting', lost: 'Not live', off: 'Not connected' };
const kThemeName: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };

function ThemeButton() {
  const [theme, next] = useTheme();
  return (
    <button type="button" class="icon-button" onClick={next} aria-label={`Colours: ${kThemeName[theme]}. Change`} title={`Colours: ${kThemeName[theme]}`}>
      {theme === 'light' ? <SunIcon /> : theme === 'dark' ? <MoonIcon /> : <SystemIcon />}
    </button>
  );
}

interface ShellProps {
  readonly pages: readonly Page[];
  /** Where a page was left, by its path: its link leads back there. */
  readonly left?: ReadonlyMap<string, string>;
  readonly current?: Page;
  readonly pulse: Pulse;
  readonly children: ComponentChildren;
}

export function Shell({ pages, left, current, pulse, children }: ShellProps) {
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the content
      </a>
      <header class="top">
        <span class="brand">
          <Lamp />
          <span class="brand-name">Ghostlight</span>
        </span>
        <nav aria-label="Pages">
          {pages.map((page) => (
            <a key={page.path} href={(page !== current && left?.get(page.path)) || page.path} aria-current={page === current ? 'page' : undefined}>
              {page.title}
            </a>
          ))}
        </nav>
        <span class={`pulse pulse-${pulse}`}>
          <span class="dot" aria-hidden="true" />
          {kPulse[pulse]}
        </span>
        <ThemeButton />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The address bar's fragment names the page, so the link moves the focus itself. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

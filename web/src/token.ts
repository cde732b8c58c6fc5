/**
 * The console's token. It comes in the link that the host prints (`#t=…`: a fragment is never sent to a server) and lives in
 * this tab's sessionStorage; a cookie would be shared with every other port of the machine.
 */
const kKey = 'ghostlight.token';
const kToken = /^[A-Za-z0-9_-]{1,512}$/;

/** The token in a link, in its fragment, or alone; nothing when there is none. */
export function tokenIn(text: string): string | undefined {
  const trimmed = text.trim();
  const inLink = /#(?:.*&)?t=([^&\s]*)/.exec(trimmed)?.[1];
  const token = inLink ?? trimmed;
  return kToken.test(token) ? token : undefined;
}

/** Takes the token out of the address bar, where a page may be named before it (`#/nodes&t=…`), or else out of this tab's storage. */
export function takeToken(): string | undefined {
  if (/^#(?:.*&)?t=/.test(location.hash)) {
    const token = tokenIn(location.hash);
    history.replaceState(null, '', location.pathname + location.search + location.hash.replace(/&?t=[^&]*/, '').replace(/^#$/, ''));
    if (token !== undefined) keepToken(token);
  }
  return sessionStorage.getItem(kKey) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(kKey, token);
}

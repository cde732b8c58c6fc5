/** What the address bar's fragment says: the page, and what of it is shown. "#/catalogue?q=op+27&work=beethoven%2Fop-27-2". Pure. */

export interface Route {
  readonly path: string; // "#/catalogue"
  readonly query: URLSearchParams;
}

export function routeOf(hash: string): Route {
  const at = hash.indexOf('?');
  return { path: at < 0 ? hash : hash.slice(0, at), query: new URLSearchParams(at < 0 ? '' : hash.slice(at + 1)) };
}

/** What is "" is left out. */
export function hashOf(path: string, query: Readonly<Record<string, string>>): string {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  return [...said].length === 0 ? path : `${path}?${said}`;
}

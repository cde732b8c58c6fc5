/** The services of one endpoint as its HELLO and HELLO_UPDATEs tell them: method names to indexes (docs/spec/b2.md §3). */
import { MethodKind, type ServiceEntry } from '../gen/b2/v1/hello';
import { B2Error, Status } from './status';

export class MethodTable {
  private readonly services = new Map<string, ServiceEntry>();
  private readonly names = new Map<number, string>(); // every index ever used: it is never given to another method

  constructor(entries: readonly ServiceEntry[] = []) {
    this.update(entries);
  }

  /** Takes what a HELLO_UPDATE tells. Throws B2Error when an index is used a second time. */
  update(entries: readonly ServiceEntry[]): void {
    for (const entry of entries) {
      if (entry.methodCount === 0) {
        this.services.delete(entry.name);
        continue;
      }
      entry.methods.forEach((method, i) => this.claim(entry.firstMethod + i, `${entry.name}/${method.name}`));
      this.services.set(entry.name, entry);
    }
  }

  list(): ServiceEntry[] {
    return [...this.services.values()];
  }

  /** The index of "b2.v1.Core/Stats", or nothing when the peer does not serve it. */
  index(service: string, method: string): number | undefined {
    const entry = this.services.get(service);
    const at = entry?.methods.findIndex(({ name }) => name === method) ?? -1;
    return entry === undefined || at < 0 ? undefined : entry.firstMethod + at;
  }

  /** "b2.v1.Core/Stats" for an index, while its service is there. */
  name(index: number): string | undefined {
    const name = this.names.get(index);
    return name !== undefined && this.services.has(name.slice(0, name.lastIndexOf('/'))) ? name : undefined;
  }

  /** Whether the method takes a stream of messages from its caller. */
  takesStream(index: number): boolean {
    for (const { firstMethod, methods } of this.services.values()) {
      const kind = methods[index - firstMethod]?.kind;
      if (kind !== undefined) return kind === MethodKind.client_stream || kind === MethodKind.bidirectional;
    }
    return false;
  }

  private claim(index: number, name: string): void {
    const before = this.names.get(index);
    if (before !== undefined && before !== name)
      throw new B2Error(Status.malformed, `method index ${index} was ${before} and cannot become ${name}`);
    this.names.set(index, name);
  }
}

/** A catalogue of a few works, searched by words; and how it behaves when it is slow or does not answer. */
import type { IncomingCall } from '../../src/b2/endpoint';
import { Status } from '../../src/b2/status';
import { decodeGetRequest, decodeSearchRequest, encodeSearchResponse, encodeWork, type Work, type WorkSummary } from '../../src/gen/ariascribe/v1/catalogue';

export const kCatalogueMethods = ['Identify', 'IdentifyAlbum', 'Search', 'Get'];
const kSearch = 2, kGet = 3;

const work = (id: string, composer: string, title: string, more: Partial<Omit<Work, 'summary'>> & Partial<WorkSummary>, ...movements: readonly (readonly [string, string])[]): Work => ({
  summary: { id, composer, title, catalogue: more.catalogue ?? [], key: more.key ?? '', year: more.year ?? 0, movements: movements.length },
  also: more.also ?? [],
  movements: movements.map(([name, key], i) => ({ number: i + 1, title: name, key })),
  medium: more.medium ?? '',
  period: more.period ?? '',
});

const kBeethoven = 'Ludwig van Beethoven';

/** What a stranger wrote into a catalogue that was imported: none of it may become more than text. */
export const kStrange = '<img src=x onerror="document.title=\'broken in\'"><script>document.title="broken in"</script>\u202e&amp; Sonata';

const kWorks: readonly Work[] = [
  work('beethoven/op-27-2', kBeethoven, 'Piano Sonata No. 14', { catalogue: ['op:27/2'], key: 'C# minor', year: 1801, medium: 'piano', period: 'classical', also: ['Moonlight', 'Mondscheinsonate', 'Quasi una fantasia', 'Лунная', '月光'] }, ['Adagio sostenuto', 'C# minor'], ['Allegretto', 'Db major'], ['Presto agitato', 'C# minor']),
  work('beethoven/op-13', kBeethoven, 'Piano Sonata No. 8', { catalogue: ['op:13'], key: 'C minor', year: 1798, medium: 'piano', period: 'classical', also: ['Pathétique'] }, ['Grave - Allegro di molto e con brio', 'C minor'], ['Adagio cantabile', 'Ab major'], ['Rondo: Allegro', 'C minor']),
  work('beethoven/op-125', kBeethoven, 'Symphony No. 9', { catalogue: ['op:125'], key: 'D minor', year: 1824, medium: 'orchestra, choir, voices', period: 'classical', also: ['Choral'] }, ['Allegro ma non troppo, un poco maestoso', 'D minor'], ['Molto vivace', 'D minor'], ['Adagio molto e cantabile', 'Bb major'], ['Presto - "O Freunde, nicht diese Töne!"', 'D minor']),
  work('mozart/k-545', 'Wolfgang Amadeus Mozart', 'Piano Sonata No. 16', { catalogue: ['k:545'], key: 'C major', year: 1788, medium: 'piano', period: 'classical', also: ['Sonata facile'] }, ['Allegro', 'C major'], ['Andante', 'G major'], ['Rondo: Allegretto', 'C major']),
  work('haydn/hob-16-50', 'Joseph Haydn', 'Piano Sonata', { catalogue: ['hob:xvi:50'], key: 'C major', year: 1794, medium: 'piano', period: 'classical' }, ['Allegro', 'C major'], ['Adagio', 'F major'], ['Allegro molto', 'C major']),
  work('satie/gymnopedies', 'Erik Satie', 'Trois Gymnopédies', { year: 1888, medium: 'piano', period: 'impressionist' }, ['Lent et douloureux', 'D major'], ['Lent et triste', 'C major'], ['Lent et grave', 'A minor']),
  work('stranger/1', 'A. <b>Stranger</b>', kStrange, { catalogue: ['x"><i>:1'], key: '<u>C', medium: '<svg onload=alert(1)>', also: ['</ul><h1>loud</h1>'] }, ['javascript:alert(1) '.repeat(20), ''], ['A'.repeat(300), '<b>']),
];
/** More of them than one list shows. */
const kMany = Array.from({ length: 120 }, (_, i) => work(`scarlatti/k-${i + 1}`, 'Domenico Scarlatti', `Keyboard Sonata ${i + 1}`, { catalogue: [`k:${i + 1}`], key: i % 2 === 0 ? 'D minor' : 'G major', medium: 'harpsichord' }));

const folded = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
const saidOf = ({ summary, also }: Work): string => folded([summary!.composer, summary!.title, ...summary!.catalogue.map((each) => each.replace(/[:/]/g, ' ')), ...also].join(' '));

export class FakeCatalogue {
  /** Why every call fails, while it is not "". */
  failure = '';
  /** While true, calls wait until it is not. */
  hangs = false;
  /** What was searched for, in the order it came. */
  readonly searched: string[] = [];
  /** Searches that their caller gave up. */
  cancelled = 0;

  async answer(call: IncomingCall, method: number): Promise<void> {
    if (method === kSearch) this.searched.push(decodeSearchRequest(call.request).text);
    call.signal.addEventListener('abort', () => (this.cancelled += 1));
    while (this.hangs && !call.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
    if (call.signal.aborted) return;
    if (this.failure !== '') return call.fail(Status.busy, this.failure);
    if (method === kSearch) return call.finish(encodeSearchResponse({ works: this.find(decodeSearchRequest(call.request)) }));
    if (method !== kGet) return call.fail(Status.unsupported, 'the fake serves Search and Get');
    const { id } = decodeGetRequest(call.request);
    const found = [...kWorks, ...kMany].find(({ summary }) => summary?.id === id);
    if (found === undefined) call.fail(Status.notFound, `no work has the id '${id}'; Search gives ids`);
    else call.finish(encodeWork(found));
  }

  private find({ text, limit }: { text: string; limit: number }): WorkSummary[] {
    const words = folded(text).split(/[\s./:]+/).filter((word) => word !== '');
    return [...kWorks, ...kMany].filter((each) => words.every((word) => saidOf(each).includes(word))).map(({ summary }) => summary!).slice(0, limit || 20);
  }
}

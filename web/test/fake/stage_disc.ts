/** The disc of the fake stage: messy titles and what they mean, and the ports of a machine that plays it. */
import type { StageField, StagePerformer, StagePort } from '../../src/gen/ghostlight/v1/stage';

export interface FakeTrack {
  readonly before: string;
  readonly composer: string;
  readonly work: string;
  readonly movement: string;
  readonly movementNo: number;
  readonly key: string;
  readonly catalogue: string;
  readonly seconds: number;
  readonly band?: string; // "apply" when left out
  readonly sure?: number;
  readonly doubts?: number;
}

const kMozart = { composer: 'Wolfgang Amadeus Mozart', work: 'Piano Sonata No. 16', catalogue: 'k:545' };
const kBeethoven = { composer: 'Ludwig van Beethoven', work: 'Piano Sonata No. 14 “Moonlight”', catalogue: 'op:27/2' };

export const kDisc: readonly FakeTrack[] = [
  { before: 'BACH - PRELUDE IN C (WTC BOOK 1)', composer: 'Johann Sebastian Bach', work: 'The Well-Tempered Clavier, Book I', movement: 'Prelude No. 1', movementNo: 0, key: 'C major', catalogue: 'bwv:846', seconds: 128 },
  { before: 'J.S.Bach: Invention no1 BWV772', composer: 'Johann Sebastian Bach', work: 'Two-Part Invention No. 1', movement: '', movementNo: 0, key: 'C major', catalogue: 'bwv:772', seconds: 81 },
  { before: 'Mozart Sonata K545 1.mov', ...kMozart, movement: 'Allegro', movementNo: 1, key: 'C major', seconds: 188 },
  { before: 'Mozart Sonata K545 2.mov', ...kMozart, movement: 'Andante', movementNo: 2, key: 'G major', seconds: 254, doubts: 3 },
  { before: 'Mozart Sonata K545 3.mov', ...kMozart, movement: 'Rondo: Allegretto', movementNo: 3, key: 'C major', seconds: 101 },
  { before: 'BEETHOVEN SON. NO14 OP27/2 - ADAGIO SOST.', ...kBeethoven, movement: 'Adagio sostenuto', movementNo: 1, key: 'C# minor', seconds: 338 },
  { before: 'beethoven moonlight 2 allegreto', ...kBeethoven, movement: 'Allegretto', movementNo: 2, key: 'Db major', seconds: 136, sure: 0.91 },
  { before: '', ...kBeethoven, movement: 'Presto agitato', movementNo: 3, key: 'C# minor', seconds: 411, band: 'review', sure: 0.62 },
  { before: 'Bonus track', composer: '', work: '', movement: '', movementNo: 0, key: '', catalogue: '', seconds: 66, band: 'leave', sure: 0.12 },
];

export const kPianist: StagePerformer = { name: 'Clara Weidmann', role: 'soloist', instrument: 'piano' };

/** Why each field of `track` is what it is. */
export function fieldsOf(track: FakeTrack): StageField[] {
  const sure = track.sure ?? 0.98;
  const field = (name: string, before: string, after: string, confidence: number, reason: string): StageField => ({ field: name, before, after, confidence, reason });
  if (track.band === 'leave') return [field('work', track.before, '', sure, 'Nothing in the title names a work, and no work of those before it has a fourth movement')];
  return [
    field('composer', track.before.split(/[\s-]/)[0] ?? '', track.composer, Math.min(1, sure + 0.01), `The disc's other titles name ${track.composer.split(' ').at(-1)}; one composer has that name`),
    field('work', track.before, track.work, sure, 'The catalogue number stands in the title; one work of 2,104 has it'),
    ...(track.movement === '' ? [] : [field('movement', '', track.movement, sure, 'Its number, its tempo and its length agree')]),
    field('key', '', track.key, Math.min(1, sure + 0.01), 'The work has this key in the catalogue'),
    field('catalogue', '', track.catalogue, Math.min(1, sure + 0.02), 'Written in the title of the track before'),
    field('performers', 'C. WEIDMANN (PIANO)', 'Clara Weidmann, piano', 0.95, "The disc's performer; an instrument in brackets"),
  ];
}

/** 200 peaks that look like music: phrases, each louder in its middle, on a slow arch. The same for the same track. */
export function peaksOf(track: number): Uint8Array {
  let seed = 977 * (track + 3);
  return Uint8Array.from({ length: 200 }, (_, i) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const phrase = Math.abs(Math.sin((i / 200) * Math.PI * (3 + (track % 4))));
    const arch = 0.45 + 0.55 * Math.sin((i / 199) * Math.PI);
    return Math.round(245 * arch * (0.25 + 0.5 * phrase + 0.25 * (seed / 2 ** 32)));
  });
}

function port(number: number, protocol: string, registered: string, identity: string, owner: string, more: Partial<StagePort> = {}): StagePort {
  return { port: number, protocol, address: '127.0.0.1', netns: '', registered, identity, status: 'confirmed', owner, verdict: 'ok', why: '', ours: false, ...more };
}

const ours = (number: number, protocol: string, registered: string, identity: string, owner: string, why: string, more: Partial<StagePort> = {}): StagePort =>
  port(number, protocol, registered, identity, owner, { ours: true, why, ...more });

/** Ports of the machine; each receiver has its ARDUS ports in a namespace of its own. */
export function portsOf(receivers: number): StagePort[] {
  const others = Array.from({ length: 9 }, (_, i) => port(8000 + i * 11, 'tcp', '', 'http', `python3, pid ${5100 + i}, jo`, { verdict: 'notice', status: 'confirmed', why: 'Nothing is registered here; it answers only on this machine.' }));
  const receiving = Array.from({ length: Math.min(3, receivers) }, (_, i) =>
    ours(1835, 'udp', 'ardusmul', 'ardus 0.1.0', `ardus, pid ${4200 + i}, root`, 'It only receives: the socket is the daemon’s own, and its signed status names it.', { address: '239.17.17.1', netns: `receiver-${i + 1}`, status: 'owner_only' }),
  );
  return [
    port(22, 'tcp', 'ssh', 'OpenSSH 9.2p1', 'sshd, pid 611, root', { address: '0.0.0.0', why: 'It is what the registry says, from the package openssh-server.' }),
    port(5432, 'tcp', 'postgresql', '', 'not visible', { verdict: 'unknown', status: 'silent', why: 'It said nothing, and its owner cannot be seen without root.' }),
    port(31337, 'tcp', '', '', 'nc, pid 6044, jo', { address: '0.0.0.0', verdict: 'alert', status: 'contradicts', why: 'Its program was deleted after it was started, and it can be reached from outside.' }),
    port(631, 'tcp', 'ipp', 'CUPS 2.4', 'cupsd, pid 702, root', { why: 'It is what the registry says, and answers only on this machine.' }),
    ...others,
    ours(2203, 'tcp', 'b2-runtime', 'ghostlight 0.1.0 (b2)', 'ghostlight, pid 4120, root', 'It answers b2’s hello with the id of this node.'),
    ours(2203, 'udp', 'b2-runtime', 'ghostlight 0.1.0 (b2)', 'ghostlight, pid 4120, root', 'It answers b2’s hello with the id of this node.'),
    ours(1117, 'tcp', 'ardus-mtrns', 'ardus 0.1.0 (b2, TLS)', 'ardus, pid 4121, root', 'Its certificate is this house’s, and it answers b2’s hello.'),
    ours(1834, 'udp', 'ardusuni', 'ardus 0.1.0', 'ardus, pid 4121, root', 'It answers a signed status.'),
    ...receiving,
    ours(2114, 'tcp', 'ariascribe', 'ariascribe 0.1.0 (b2)', 'ariascribe, pid 4122, root', 'It answers b2’s hello and knows K. 545.'),
    ours(2114, 'udp', 'ariascribe', 'ariascribe 0.1.0', 'ariascribe, pid 4122, root', 'It answers a look-up in one packet.'),
    ours(3643, 'tcp', 'audiojuggler', 'audiojuggler 0.1.0 (b2)', 'audiojuggler, pid 4123, root', 'It answers b2’s hello.'),
  ];
}

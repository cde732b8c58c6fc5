import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Band, IdentificationCodec } from '../gen/ariascribe/v1/catalogue';
import { TagChangeCodec, TrackProposalCodec, type TrackProposal } from '../gen/ariascribe/v1/library';
import { groupsOf, kindOf, leastSure, placeIn, problemOf, tagsIn, wrongPath } from './proposal';

const none = new Uint8Array(0);
const track = (path: string, band: Band, after: readonly string[] = [], problem = ''): TrackProposal => ({
  ...TrackProposalCodec.decode(none),
  path,
  identification: { ...IdentificationCodec.decode(none), band },
  changes: after.map((value) => ({ ...TagChangeCodec.decode(none), tag: 'WORK', after: [value], confidence: 0.9 })),
  problem,
});

test('files are told apart by what is to be done with them', () => {
  assert.equal(kindOf(track('a', Band.apply, ['x'])), 'apply');
  assert.equal(kindOf(track('a', Band.review, ['x'])), 'review');
  assert.equal(kindOf(track('a', Band.apply)), 'same');
  for (const band of [Band.leave, Band.unknown, 77 as Band]) assert.equal(kindOf(track('a', band, ['x'])), 'leave');
  assert.equal(kindOf(track('a', Band.apply, ['x'], 'cut off')), 'broken');
  assert.equal(kindOf({ ...track('a', Band.apply), identification: undefined }), 'leave');
  const groups = groupsOf([track('a', Band.apply, ['x', 'y']), track('b', Band.leave), track('c', Band.apply, ['z'])]);
  assert.deepEqual([...groups].map(([kind, tracks]) => [kind, tracks.length]), [['apply', 2], ['review', 0], ['broken', 0], ['leave', 1], ['same', 0]]);
  assert.equal(tagsIn(groups.get('apply')!), 3);
});

test('a file is named by its place below the folder that was asked for, once', () => {
  assert.equal(placeIn('/music', '/music/disc 1/01.flac'), 'disc 1/01.flac');
  assert.equal(placeIn('/music/', '/music/01.flac'), '01.flac');
  assert.equal(placeIn('/music', '/musical/01.flac'), '/musical/01.flac');
  assert.equal(placeIn('/music/01.flac', '/music/01.flac'), '/music/01.flac');
  assert.equal(problemOf(track('/music/a', Band.leave, [], '/music/a: cut off')), 'cut off');
  assert.equal(problemOf(track('/music/a', Band.leave, [], '/music: is gone')), '/music: is gone');
});

test('a path has to be whole', () => {
  assert.equal(wrongPath('/music'), '');
  assert.match(wrongPath('music'), /begin with/);
  assert.match(wrongPath(''), /Give the path/);
});

test('a file is as sure as the least sure of the tags that would be written, and of its fields where none would', () => {
  const reasons = [0.9, 0.4, 1].map((confidence) => ({ field: 'x', confidence, reason: '' }));
  const found = (changes: readonly string[]): TrackProposal => ({ ...track('a', Band.apply, changes), identification: { ...IdentificationCodec.decode(none), reasons } });
  assert.equal(leastSure(found(['x'])), 0.9);
  assert.equal(leastSure(found([])), 0.4);
  assert.equal(leastSure(track('a', Band.leave)), undefined);
  assert.equal(leastSure({ ...track('a', Band.leave), identification: undefined }), undefined);
});
